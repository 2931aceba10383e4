"""A small generative adversarial network learns to draw digits; its samples are logged as it learns."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import trainboard as tb
from trainboard.examples import digits

NOISE = 16
BATCH_SIZE = 64


def network(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def judge(discriminator: nn.Module, images: torch.Tensor, real: float) -> torch.Tensor:
    verdicts = discriminator(images)
    return binary_cross_entropy_with_logits(verdicts, torch.full_like(verdicts, real))


def grid(images: torch.Tensor, across: int = 8) -> torch.Tensor:
    """Images of 64 pixels as one picture, in rows of ``across``."""
    return images.reshape(-1, across, 8, 8).transpose(1, 2).reshape(-1, across * 8)


def main() -> None:
    options = digits.options(__doc__)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    (x, _), _ = digits.load(options.seed)
    real = torch.from_numpy(x).reshape(len(x), -1)
    generator = nn.Sequential(network(NOISE, 128, 128, 64), nn.Sigmoid())
    discriminator = network(64, 128, 64, 1)
    makers = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    judges = torch.optim.Adam(discriminator.parameters(), 5e-4, betas=(0.5, 0.999))
    fixed = torch.randn(32, NOISE)

    config = {"seed": options.seed, "epochs": options.epochs, "noise": NOISE, "batch_size": BATCH_SIZE}
    with tb.init(options.project, f"gan-{options.seed}", config=config, store=options.store) as run:
        run.log({"real": tb.Image(grid(real[:32]), "what it should look like")}, step=0)
        frames, step = [], 0
        for _ in range(options.epochs):
            for batch in real[torch.randperm(len(real))].split(BATCH_SIZE):
                fakes = generator(torch.randn(len(batch), NOISE))
                judged = judge(discriminator, batch, 0.9) + judge(discriminator, fakes.detach(), 0.0)
                judges.zero_grad(), judged.backward(), judges.step()
                fooled = judge(discriminator, fakes, 1.0)
                makers.zero_grad(), fooled.backward(), makers.step()
                step += 1
                run.log({"loss/discriminator": judged, "loss/generator": fooled}, step)
            frames.append(grid(generator(fixed).detach()))
            run.log({"samples": tb.Image(frames[-1])}, step)
        run.log({"progress": tb.Video(torch.stack(frames).unsqueeze(3), fps=4)}, step)


if __name__ == "__main__":
    main()
