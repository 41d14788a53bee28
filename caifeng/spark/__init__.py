"""The second engine, for volumes beyond one machine: the same functions and SELECTs on Spark. Imported on demand."""
