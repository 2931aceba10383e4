"""``SummaryWriter``: PyTorch's interface to TensorBoard, whose values land in a store instead.

Change the import, and nothing else: every method, argument and default is that of
``torch.utils.tensorboard.SummaryWriter``. Unlike those, these methods never raise into training, but for
``add_graph``, which hands on what the program's own model raises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import evaluation, figures, media
from .arrays import to_array
from .graph import as_traced
from .session import init_beside
from .summary_base import adds
from .summary_media import MediaWriter

LAYOUT_TAG = "custom_scalars"


class SummaryWriter(MediaWriter):
    """Logs to a run of its own, named by ``log_dir``: ``runs/lr0.1/train`` is the run ``lr0.1/train``.

    Any number of writers may be open at once. ``project`` and ``store`` are those of ``init()``. With
    ``tensorboard`` PyTorch's own writer writes event files to ``log_dir`` as well; ``purge_step``,
    ``max_queue``, ``flush_secs`` and ``filename_suffix`` concern those alone. Raises what ``init()`` does.
    """

    _has_hparams = False

    @adds
    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Hyper-parameters become this run's config, and metrics scalars.

        A call with ``run_name``, and any after the first, makes a finished run of its own instead, in a
        group with this one, so that a search may be told by one writer.
        """
        if not isinstance(hparam_dict, Mapping) or not isinstance(metric_dict, Mapping):
            raise TypeError("hparam_dict and metric_dict should be dictionaries")
        step = 0 if global_step is None else global_step
        if run_name is None and not self._has_hparams:
            self.run.config.update(hparam_dict)
            self.run.log(metric_dict, step)
        else:
            name = f"{self._name}/{run_name or time.time()}"
            with init_beside(
                self._project, name, group=self._name, config=hparam_dict, store=self._store
            ) as run:
                run.log(metric_dict, step)
        self._has_hparams = True

    @adds
    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A number; it keeps double precision in any case."""
        self._log(tag, scalar_value, global_step, walltime)

    @adds
    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Numbers with the tags ``main_tag/key`` of this run, where TensorBoard has a run for each."""
        values = {f"{main_tag}/{key}": value for key, value in tag_scalar_dict.items()}
        self.run.log(values, 0 if global_step is None else global_step, wall_time=walltime)

    @adds
    def add_tensor(
        self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A tensor as a table: a row for each index but the last, a column for each last index."""
        array = to_array(tensor)
        width = array.shape[-1] if array.ndim else 1
        rows = array.size // width if width else 0
        self._log(tag, figures.Table(array.reshape(rows, width)), global_step, walltime)

    @adds
    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """A histogram; its buckets are our own, so ``bins`` and ``max_bins`` concern event files alone."""
        self._log(tag, media.Histogram(values), global_step, walltime)

    @adds
    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Counts of values up to each limit, shared out among our own buckets."""
        from ..storage.kinds.histogram_buckets import from_limits

        limits, counts = to_array(bucket_limits), to_array(bucket_counts)
        made = from_limits(limits, counts, float(min), float(max), float(sum), float(sum_squares))
        self._log(tag, made, global_step, walltime)

    @adds
    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text in Markdown, as TensorBoard shows it."""
        self._log(tag, media.Text(text_string, "markdown"), global_step, walltime)

    @adds
    def add_onnx_graph(self, prototxt: Any) -> None:
        """The graph in the ONNX file at a path."""
        self.run.log_graph(prototxt)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """A model's graph, from one forward pass without tracing.

        Raises what ``model`` raises for this input, and with ``use_strict_trace`` RuntimeError if it returns
        a list or a dict, as PyTorch's does; the graph is kept all the same.
        """
        with as_traced(model, input_to_model, use_strict_trace):
            self._add_graph(model, input_to_model, verbose, use_strict_trace)

    @adds
    def _add_graph(self, model: Any, input_to_model: Any, verbose: bool, use_strict_trace: bool) -> None:
        self.run.log_graph(model, input_to_model)

    @adds
    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """A PR curve computed as TensorBoard does, with as many thresholds as asked for."""
        made = evaluation.PRCurve(labels, predictions, num_thresholds, weights)
        self._log(tag, made, global_step, walltime)

    @adds
    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """A PR curve from its counts; its thresholds are as many as the counts."""
        from ..storage.kinds.pr_curve import PRCurve

        counts = true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts
        rows = [to_array(row) for row in (*counts, precision, recall)]
        self._log(tag, PRCurve.from_counts(*rows), global_step, walltime)

    @adds
    def add_custom_scalars_multilinechart(
        self, tags: list[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """A layout of one chart with a line for each tag."""
        self._log(LAYOUT_TAG, evaluation.Layout({category: {title: ["Multiline", tags]}}), None, None)

    @adds
    def add_custom_scalars_marginchart(
        self, tags: list[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """A layout of one chart of three tags: a value, and the bounds of the band around it."""
        self._log(LAYOUT_TAG, evaluation.Layout({category: {title: ["Margin", tags]}}), None, None)

    @adds
    def add_custom_scalars(self, layout: dict[str, Any]) -> None:
        """A layout: ``{category: {title: ["Multiline" or "Margin", tags]}}``."""
        self._log(LAYOUT_TAG, evaluation.Layout(layout), None, None)
