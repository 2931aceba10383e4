"""PyTorch networks whose graphs are known."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from trainboard.storage.kinds.graph import Graph, Node


def node(graph: Graph, id: str) -> Node:
    return next(node for node in graph.nodes if node.id == id)


def edges(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, stride=1)
        self.norm = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x))) + self.shortcut(x)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.blocks = nn.Sequential(Residual(4), Residual(4))
        self.head = nn.Linear(4, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(image)).mean((2, 3)))


IMAGES = torch.rand(2, 1, 8, 8)


class Free(nn.Module):
    """Runs any function as its forward pass."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)
