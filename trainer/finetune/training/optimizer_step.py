"""One optimizer step over adapters in float32: gradients of its documents, clipping, AdamW."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from finetune.data.encoding import Encoded
from finetune.hyperparameters import Hyperparameters
from finetune.training import processes
from finetune.training.kernels import Kernels
from finetune.training.layout import Layout
from finetune.training.micro_step import micro_batch_loss
from finetune.training.packing import Batch, batches, graded
from finetune.training.training_state import Weights


@dataclass(frozen=True)
class Learner:
    """The model with its adapters' weights by name, and how documents are laid out for it."""

    model: PreTrainedModel
    weights: Weights
    optimizer: torch.optim.Optimizer
    layout: Layout
    validation_layout: Layout
    kernels: Kernels
    padding: int
    max_grad_norm: float

    def step(
        self,
        documents: list[Encoded],
        learning_rate: float,
        seed: int,
        interrupted: Callable[[], bool],
    ) -> torch.Tensor | None:
        """
        Mean loss over the graded tokens of all documents, and the gradient's norm before clipping:
        `[2]` float32, on the device. None, with no weight changed, once `interrupted` says so
        between two micro-batches.
        """
        torch.manual_seed(seed)
        gradients = [weight.grad for weight in self.weights.values()]
        torch._foreach_zero_(gradients)
        loss = torch.zeros((), device=self.model.device)
        wanted = graded(documents)
        self.model.train()
        for batch in self._batches(documents, self.layout):
            if interrupted():
                return None
            loss += self.kernels.micro_step(batch, wanted)
        processes.add_up([*gradients, loss])
        norm = clip_grad_norm_(self.weights.values(), self.max_grad_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        return torch.stack([loss, norm]).float()

    @torch.no_grad()
    def validation_loss(self, documents: list[Encoded]) -> float:
        """Mean loss over the documents' graded tokens, without dropout."""
        self.model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.model.device)
        # Layers compiled for training would be compiled again for this.
        with torch.compiler.set_stance("force_eager"):
            for batch in self._batches(documents, self.validation_layout):
                total += micro_batch_loss(self.model, batch.to(self.model.device))
        processes.add_up([total])
        return total.item() / graded(documents)

    def _batches(self, documents: list[Encoded], shape: Layout) -> Iterator[Batch]:
        mine = documents[processes.rank() :: processes.world()]
        return batches(mine, shape.width, shape.rows, self.padding, shape.fixed)


def learner(
    model: PreTrainedModel,
    settings: Hyperparameters,
    layouts: tuple[Layout, Layout],
    padding: int,
    saved_kernels: bytes | None = None,
) -> Learner:
    """
    AdamW over all that is trainable, with the defaults of transformers' Trainer. `layouts` are
    those of training and validation.
    """
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    for weight in weights.values():
        weight.grad = torch.zeros_like(weight)
    # The Trainer spares biases and norms of weight decay; adapters have neither.
    optimizer = torch.optim.AdamW(
        weights.values(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=model.device.type == "cuda",
    )
    kernels = Kernels(model, layouts[0], saved_kernels)
    return Learner(model, weights, optimizer, *layouts, kernels, padding, settings.max_grad_norm)
