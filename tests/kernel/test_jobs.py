import asyncio

from kernel.jobs import Job, JobRunner


async def test_a_job_runs_on_while_there_is_work_then_waits():
    done: list[int] = []
    idle = asyncio.Event()

    async def work() -> int:
        if len(done) < 3:
            done.append(1)
            return 1
        idle.set()
        return 0

    runner = JobRunner([Job(name="worker", run=work, every=60)])
    await runner.start()
    await asyncio.wait_for(idle.wait(), 5)
    await asyncio.wait_for(runner.stop(), 1)
    assert len(done) == 3


async def test_a_job_that_fails_is_tried_again():
    tries: list[int] = []
    succeeded = asyncio.Event()

    async def work() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not yet")
        succeeded.set()
        return 0

    runner = JobRunner([Job(name="worker", run=work, every=0.001)])
    await runner.start()
    await asyncio.wait_for(succeeded.wait(), 5)
    await runner.stop()


async def test_stopping_lets_a_portion_finish_but_not_for_ever():
    finished: list[str] = []

    async def portion(name: str, seconds: float) -> int:
        await asyncio.sleep(seconds)
        finished.append(name)
        return 0

    runner = JobRunner(
        [
            Job(name="short", run=lambda: portion("short", 0.05), every=1),
            Job(name="long", run=lambda: portion("long", 30), every=1),
        ],
        patience=0.5,
    )
    await runner.start()
    await asyncio.sleep(0.01)
    await runner.stop()
    assert finished == ["short"]


async def test_no_jobs_are_no_trouble():
    runner = JobRunner([])
    await runner.start()
    await runner.stop()
