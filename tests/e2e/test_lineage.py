"""What the jobs are declared to read and write is what they were seen to read and write in the sample town."""

from collections import defaultdict

from caifeng.jobs.lineage import FLOWS, GATES
from caifeng.jobs.runs import RECORDS, read_runs
from caifeng.jobs.stages import STAGES


def test_the_stages_do_what_is_declared(town):
    env = town.env()
    reads, writes = defaultdict(set), defaultdict(set)
    for day in town.story.days:
        for run in read_runs(env.settings.home, env.lake, day):
            reads[run.job] |= {_table(entry) for entry in run.inputs}
            writes[run.job] |= {_table(entry) for entry in run.outputs}
    swept = 0
    for stage in STAGES:
        declared = [flow for flow in FLOWS if flow.stage == stage]
        if not declared:
            assert stage in ("marts", "outputs"), stage
            continue
        mine = {table for flow in declared for table in flow.writes}
        named = {table for flow in declared for table in flow.reads}
        seen = {table for table in writes[stage] if table not in GATES}
        # what a stage writes only now and then need not be seen here: the town has no page of a peer
        assert seen <= mine, (stage, seen - mine)
        assert mine - seen <= {"ops.sources", "ops.practices"}, (stage, mine - seen)
        if stage == "load":  # it also reads every table into the warehouse
            assert named - set(RECORDS) - set(GATES) <= reads[stage] | mine, named - reads[stage]
        else:
            # a partition that the stage has itself just written is no input of it (caifeng.jobs.runs)
            assert reads[stage] <= named, (stage, reads[stage] - named)
            assert named - reads[stage] <= mine, (stage, named - reads[stage] - mine)
        swept += 1
    assert swept == 5


def _table(entry: str) -> str:
    return ".".join(entry.split("/")[:2])
