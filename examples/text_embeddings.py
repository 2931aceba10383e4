"""Tells from the words of a docstring of Python's library what it is about; logs embeddings and PR curves."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

import torch
from torch import nn

import trainboard as tb
from trainboard.examples import digits

TOPICS = {
    "numbers": ["math", "statistics", "fractions", "decimal", "random", "cmath", "numbers"],
    "files": ["os.path", "shutil", "pathlib", "tempfile", "zipfile", "tarfile", "glob", "fileinput"],
    "network": ["socket", "ssl", "http.client", "urllib.request", "smtplib", "ftplib", "socketserver"],
    "threads": ["threading", "queue", "asyncio", "multiprocessing.pool", "concurrent.futures", "sched"],
}
WORDS = 600
DIMENSIONS = 16


def docstrings(module: str) -> Iterator[str]:
    """What a module says about its functions, its classes and their methods."""
    for _, thing in inspect.getmembers(import_module(module)):
        if inspect.isclass(thing) or callable(thing):
            for part in (thing, *(value for _, value in inspect.getmembers(thing) if callable(value))):
                yield inspect.getdoc(part) or ""


def load() -> tuple[list[list[str]], list[int]]:
    """Texts as lists of words, and the numbers of their topics; each text once."""
    found: dict[str, int] = {}
    for topic, modules in enumerate(TOPICS.values()):
        for module in modules:
            for text in docstrings(module):
                found.setdefault(text, topic)
    split = [(re.findall(r"[a-z]{3,}", text.lower()), topic) for text, topic in found.items()]
    kept = [(words, topic) for words, topic in split if len(words) >= 5]
    return [words for words, _ in kept], [topic for _, topic in kept]


class Classifier(nn.Module):
    """The mean of a text's word vectors, and a line for each topic."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(WORDS, DIMENSIONS, mode="mean")
        self.topics = nn.Linear(DIMENSIONS, len(TOPICS))

    def forward(self, words: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return self.topics(self.words(words, starts))


def main() -> None:
    options = digits.options(__doc__)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    texts, topics = load()
    common = Counter(word for text in texts for word in set(text)).most_common(WORDS - 1)
    vocabulary = {word: number for number, (word, _) in enumerate(common, 1)}  # 0 is any other word

    order = torch.randperm(len(texts)).tolist()
    held_out, train = order[: len(order) // 5], order[len(order) // 5 :]
    targets = torch.tensor(topics)

    def batch(members: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        lengths = torch.tensor([0] + [len(texts[member]) for member in members])
        words = [vocabulary.get(word, 0) for member in members for word in texts[member]]
        return torch.tensor(words), lengths.cumsum(0)[:-1]

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    config = {"seed": options.seed, "epochs": options.epochs, "texts": len(texts), "words": WORDS}
    name = f"topics-{options.seed}"
    with tb.init(options.project, name, config=config, store=options.store) as run:
        for epoch in range(1, options.epochs + 1):
            for start in range(0, len(train), 32):
                members = train[start : start + 32]
                loss = nn.functional.cross_entropy(model(*batch(members)), targets[members])
                optimizer.zero_grad(), loss.backward(), optimizer.step()
            with torch.no_grad():
                shares = model(*batch(held_out)).softmax(1)
            truth, guesses = targets[held_out], shares.argmax(1)
            curves = {
                f"pr/{topic}": tb.PRCurve(truth == number, shares[:, number])
                for number, topic in enumerate(TOPICS)
            }
            accuracy = (guesses == truth).float().mean()
            run.log({"train/loss": loss, "val/accuracy": accuracy, **curves}, epoch)
            run.log({"confusion": tb.ConfusionMatrix(truth, guesses, list(TOPICS))}, epoch)
            closest = model.topics.weight.detach() @ model.words.weight.detach().T
            meant = [list(TOPICS)[number] for number in closest.argmax(0)]
            known = [[meant[number], word] for word, number in vocabulary.items()]
            vectors = model.words.weight[1 : len(known) + 1]
            run.log({"words": tb.Embedding(vectors, known, columns=["topic", "word"])}, epoch)
        wrong = [at for at in range(len(held_out)) if guesses[at] != truth[at]][:50]
        names = list(TOPICS)
        rows = [[" ".join(texts[held_out[at]][:12]), names[truth[at]], names[guesses[at]]] for at in wrong]
        run.log({"mistakes": tb.Table(rows, ["text", "about", "taken for"])}, options.epochs)


if __name__ == "__main__":
    main()
