"""Ask the leaders of an office to approve an answer (报审), and write what they decided into the register.

Started by the 工作台, one run for each request. An answer given there or on paper closes the form, too.

**When it fails.** Nothing was decided, no consent is assumed. `settle` fails where the answer may not be given (rank,
own draft); the 工作台 still asks. An answer in a form's first seconds may be lost on a busy machine: it is asked again.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import DAG, Param, get_current_context, task

OPTIONS = ("同意", "退回", "不予")


class Ask(HITLBranchOperator):
    """The form, for the accounts that the request names; hands on who answered what."""

    def execute(self, context: Any) -> Any:
        """Ask them."""
        self.assigned_users = [{"id": user, "name": user} for user in context["params"]["users"]]
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Take the answer."""
        fields = event["params_input"] or {}
        said = event["chosen_options"][0], fields.get("审批意见") or "", fields.get("核定级别")
        context["ti"].xcom_push(key="said", value=[*said, event["responded_by_user"]["id"]])
        return super().execute_complete(context, event)


with DAG(
    "approval",
    schedule=None,
    max_active_runs=64,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={name: Param("", type="string") for name in ("issue_no", "request_id", "subject", "body")}
    | {"users": Param([], type="array", items={"type": "string"})},
    doc_md=__doc__,
    tags=["caifeng"],
):
    ask = Ask(
        task_id="ask", subject="{{ params.subject }}", body="{{ params.body }}",
        options=list(OPTIONS), options_mapping=dict.fromkeys(OPTIONS, "settle"),
        params={"审批意见": Param("", type="string", format="multiline"),
                "核定级别": Param(None, type=["null", "string"], enum=[None, "一般", "较大", "重大", "特别重大"])},
    )  # fmt: skip

    @task
    def settle() -> str:
        """The decision -> register."""
        from caifeng.jobs.approvals import settle_as_asked  # noqa: PLC0415

        context = get_current_context()
        said = context["ti"].xcom_pull(task_ids="ask", key="said")
        return settle_as_asked(context["params"]["request_id"], *said)

    ask >> settle()
