"""Carrying out a plan with sbsrender: several processes at once, nothing rendered twice, nothing half-written kept."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ...common.errors import InputError, UnreadableImage
from ...common.files import check_name, content_digest
from ...common.images import composite, read_image
from ...common.locks import lock_beside, locked
from ...common.manifest import (
    JOURNAL_NAME,
    MaterialRecord,
    append_record,
    other_materials,
    read_manifest,
    write_manifest,
)
from ...common.map_kinds import MAP_KINDS
from ...common.seams import LEAST_SIDE, seam_statistics
from ...common.texture_dataset import Sample
from .description import SubstanceGraph, SubstanceOutput
from .plan import Variant
from .records import record_of
from .tool import Children, Engine, RenderFailed, command, value_arguments

TRIES = 2
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class RenderJob:
    """A variant under the name that its files get. The end of the name identifies archive, arguments and tool."""

    name: str
    variant: Variant
    arguments: list[str]


@dataclass
class RenderResult:
    """records: one for each variant that is there, in the plan's order; reused: names of those that were there
    before; failures: names with sbsrender's words; others: what else the folder holds, from other plans."""

    records: list[MaterialRecord] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def render_plan(
    archive: Path,
    graph: SubstanceGraph,
    outputs: Sequence[SubstanceOutput],
    plan: Sequence[Variant],
    engine: Engine,
    folder: Path,
    processes: int,
    timeout: float,
    checked: Callable[[int, int], None],
) -> RenderResult:
    """Render what `folder` does not hold yet, and note each render beside its manifest, which is written at the end.

    `checked(done, total)` is called several times a second and may raise to stop: children end at once, finished
    renders stay. A render that fails is tried once more. Waits for another process that renders into the folder. Raises
    `InputError` where every render failed.
    """
    jobs = plan_jobs(archive, graph, outputs, plan, engine)
    with locked(lock_beside(folder), lambda: checked(0, len(jobs))):
        known = {record.name: record for record in read_manifest(folder)}
        there = {job.name: record for job in jobs if (record := _finished(known, job, folder))}
        todo = [job for job in jobs if job.name not in there]
        result = RenderResult(reused=list(there), others=sorted(known.keys() - {job.name for job in jobs}))
        children = Children()

        def render(job: RenderJob) -> MaterialRecord:
            return _render(job, archive, graph, outputs, engine, folder, children, timeout)

        def finished(job: RenderJob, future: Future[MaterialRecord]) -> None:
            if error := future.exception():
                result.failures[job.name] = str(error)
                return
            there[job.name] = known[job.name] = future.result()
            append_record(folder, known[job.name])

        try:
            _run_all(todo, render, finished, processes, children, checked)
        finally:
            if (folder / JOURNAL_NAME).is_file():
                write_manifest(folder, {"name": "sbsrender", "version": engine.version}, known.values())
    if not there:
        words = "\n".join(dict.fromkeys(result.failures.values()))
        raise InputError(f"sbsrender made none of the {len(jobs)} renders of {archive.name}.\n{words}")
    result.records = [there[job.name] for job in jobs if job.name in there]
    return result


def rendered_samples(rendered: RenderResult, folder: Path, size: int) -> list[Sample]:
    """The maps of all finished renders as samples, the outputs without a known map left out."""
    return [
        Sample(folder / file, kind, (size, size), material=record.name, tileable=record.tileable, record=record)
        for record in rendered.records
        for kind, file in record.maps.items()
        if kind in MAP_KINDS
    ]


def rendered_files(rendered: RenderResult, folder: Path) -> list[Path]:
    """The files of all finished renders."""
    return [folder / file for record in rendered.records for file in record.maps.values()]


def render_report(rendered: RenderResult, folder: Path) -> str:
    """Counts of new, reused and failed renders, failures with sbsrender's words, then each render's values."""
    fresh = len(rendered.records) - len(rendered.reused)
    lines = [f"{fresh} materials rendered to {folder}, {len(rendered.reused)} were there already."]
    lines += [f"  {name} failed twice: {words}" for name, words in rendered.failures.items()]
    for record in rendered.records:
        values = ", ".join(f"{name} {parameter.value}" for name, parameter in record.parameters.items())
        lines.append(f"{record.name} (seed {record.seed}): {values}")
    return "\n".join([*lines, *other_materials(rendered.others)])


def plan_jobs(
    archive: Path, graph: SubstanceGraph, outputs: Sequence[SubstanceOutput], plan: Sequence[Variant], engine: Engine
) -> list[RenderJob]:
    """A name for each variant, which is the same whenever archive, arguments and tool are the same."""
    shared = [content_digest(archive), engine.version, graph.url, engine.format, engine.bit_depth, engine.engine]
    shared += [output.identifier for output in outputs]
    jobs = []
    for variant in plan:
        arguments = value_arguments(graph, variant, engine.size)
        key = hashlib.sha256(json.dumps([shared, arguments]).encode()).hexdigest()[:12]
        jobs.append(RenderJob(f"{_file_name(graph)}_{key}", variant, arguments))
    return list({job.name: job for job in jobs}.values())


def _file_name(graph: SubstanceGraph) -> str:
    """The graph's name where it can name a file; an archive may call it anything."""
    plain = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in graph.name)[:60]
    return check_name(plain.strip() or "material", "The graph's name")


def _finished(known: dict[str, MaterialRecord], job: RenderJob, folder: Path) -> MaterialRecord | None:
    record = known.get(job.name)
    whole = record is not None and all((folder / file).is_file() for file in record.maps.values())
    return record if whole else None


def _run_all(
    jobs: Sequence[RenderJob],
    render: Callable[[RenderJob], MaterialRecord],
    finished: Callable[[RenderJob, Future[MaterialRecord]], None],
    processes: int,
    children: Children,
    checked: Callable[[int, int], None],
) -> None:
    with ThreadPoolExecutor(processes) as pool:
        running = {pool.submit(render, job): job for job in jobs}
        try:
            while running:
                done, _ = wait(running, POLL_SECONDS, return_when="FIRST_COMPLETED")
                for future in done:
                    finished(running.pop(future), future)
                checked(len(jobs) - len(running), len(jobs))
        finally:
            children.end_all()
            pool.shutdown(cancel_futures=True)


def _render(
    job: RenderJob,
    archive: Path,
    graph: SubstanceGraph,
    outputs: Sequence[SubstanceOutput],
    engine: Engine,
    folder: Path,
    children: Children,
    timeout: float,
) -> MaterialRecord:
    unfinished = folder / f".{job.name}.part"
    arguments = command(archive, graph, [output.identifier for output in outputs], engine, unfinished)
    for tries_left in reversed(range(TRIES)):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)  # sbsrender does not make it
        try:
            children.run([*arguments, *job.arguments], timeout)
            return _take_over(job, graph, outputs, engine, unfinished, folder)
        except RenderFailed:
            if not tries_left:
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _take_over(
    job: RenderJob,
    graph: SubstanceGraph,
    outputs: Sequence[SubstanceOutput],
    engine: Engine,
    unfinished: Path,
    folder: Path,
) -> MaterialRecord:
    """Check the files and move them to their names. Raises `RenderFailed` where one is missing or damaged."""
    maps, tileable = {}, False
    for output in outputs:
        file = unfinished / f"{output.identifier}.{engine.format}"
        if not file.is_file():
            raise RenderFailed(f"it ended well but did not write the output {output.identifier}")
        try:
            image = composite(read_image(file), (0.5, 0.5, 0.5))
        except UnreadableImage as error:
            raise RenderFailed(f"it wrote the output {output.identifier}, but {error.reason}") from None
        kind = output.map or output.identifier
        maps[kind] = f"{job.name}_{kind}.{engine.format}"
        tileable = tileable or _tiles(image)
    for output, name in zip(outputs, maps.values(), strict=True):
        os.replace(unfinished / f"{output.identifier}.{engine.format}", folder / name)
    return record_of(job.name, graph, job.variant, maps, tileable)


def _tiles(image: torch.Tensor) -> bool:
    if min(image.shape[1:]) < LEAST_SIDE:
        return False
    return all(seam_statistics(image[None], axis).tiles for axis in ("x", "y"))
