"""The methods of ``SummaryWriter`` for things to look at and listen to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import evaluation, figures, media
from .arrays import to_array
from .summary_base import Writer, adds


class MediaWriter(Writer):
    """Pictures, figures, videos, sounds, embeddings and meshes."""

    @adds
    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture, with the very pixels that TensorBoard would show."""
        from .summary_arrays import to_picture

        self._log(tag, media.Image(to_picture(img_tensor, dataformats)), global_step, walltime)

    @adds
    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Pictures in a grid of eight columns."""
        from .summary_arrays import to_picture

        self._log(tag, media.Image(to_picture(img_tensor, dataformats)), global_step, walltime)

    @adds
    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: Any = None,
    ) -> None:
        """A picture with boxes drawn into it: N x 4, from (x, y) to (x, y)."""
        from .summary_arrays import to_picture, with_boxes

        if isinstance(labels, str):
            labels = [labels]
        if labels is not None and len(labels) != len(box_tensor):
            labels = None
        picture = with_boxes(to_picture(img_tensor, dataformats), box_tensor, labels, rescale)
        self._log(tag, media.Image(picture), global_step, walltime)

    @adds
    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of matplotlib as a picture, a list of them in a grid; one of Plotly as it is."""
        from .summary_arrays import grid

        if not isinstance(figure, Sequence):
            self._log(tag, figures.Figure(figure), global_step, walltime)
        else:
            self._log(tag, media.Image(grid(figures.pixels(figure))), global_step, walltime)
        if close:
            figures.close(figure)

    @adds
    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: int | None = None,
        fps: float = 4,
        walltime: float | None = None,
    ) -> None:
        """Videos N x T x C x H x W side by side, every pixel exact; moviepy is not needed."""
        from .summary_arrays import to_frames

        self._log(tag, media.Video(to_frames(vid_tensor), fps), global_step, walltime)

    @adds
    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """A sound of one channel, or of several, [channels, samples]."""
        from .summary_arrays import to_samples

        self._log(tag, media.Audio(to_samples(snd_tensor), sample_rate), global_step, walltime)

    @adds
    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Any = None,
    ) -> None:
        """Points N x D, with what is known of each, and pictures N x C x H x W."""
        made = evaluation.Embedding(mat, metadata, label_img, metadata_header or None)
        self._log(tag, made, global_step, None)

    @adds
    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: dict[str, Any] | None = None,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Meshes, B x N x 3: one under ``tag``, each of several under ``tag/0``, ``tag/1`` …"""
        points, shades, corners = (to_array(part) for part in (vertices, colors, faces))
        for number in range(len(points)):
            shade, corner = (part if part is None else part[number] for part in (shades, corners))
            mesh = evaluation.Mesh(points[number], shade, corner, config_dict)
            self._log(tag if len(points) == 1 else f"{tag}/{number}", mesh, global_step, walltime)
