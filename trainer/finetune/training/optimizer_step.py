"""One optimizer step over adapters in float32: gradients of its documents, clipping, AdamW."""

from collections.abc import Callable
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
from finetune.training.packing import Batch, graded
from finetune.training.training_state import Weights


@dataclass
class Learner:
    """The model with its adapters' weights by name, and how documents are laid out for it."""

    model: PreTrainedModel
    weights: Weights
    optimizer: torch.optim.Optimizer
    validation_layout: Layout
    kernels: Kernels
    padding: int
    max_grad_norm: float

    def __post_init__(self) -> None:
        self._prepared: tuple[list[Encoded], Layout, list[Batch]] | None = None

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
        between two micro-batches. Where memory runs out, the step begins again with smaller ones.
        """
        loss, fitted = None, False
        while not fitted:
            try:
                loss = self._gradients(documents, seed, interrupted)
                fitted = True
            except torch.OutOfMemoryError:
                if self.kernels.layout.smaller() is None:
                    raise
            # Not above: until the error is gone it holds the activations that were too much.
            if not fitted:
                self.kernels.lighten()
        if loss is None:
            return None
        processes.add_up([*(weight.grad for weight in self.weights.values()), loss])
        norm = clip_grad_norm_(self.weights.values(), self.max_grad_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        return torch.stack([loss, norm]).float()

    def prepare(self, documents: list[Encoded]) -> None:
        """Lays out the next step's documents, while a GPU is still at work on the last ones."""
        layout = self.kernels.layout
        self._prepared = documents, layout, list(layout.batches(_mine(documents), self.padding))

    def _gradients(
        self, documents: list[Encoded], seed: int, interrupted: Callable[[], bool]
    ) -> torch.Tensor | None:
        """This process's share of the mean loss; the weights' `grad` is its gradient."""
        if self._prepared is None or self._prepared[:2] != (documents, self.kernels.layout):
            self.prepare(documents)
        _, _, ready = self._prepared
        torch.manual_seed(seed)
        torch._foreach_zero_([weight.grad for weight in self.weights.values()])
        loss = torch.zeros((), device=self.model.device)
        wanted = graded(documents)
        self.model.train()
        for batch in ready:
            if interrupted():
                return None
            loss += self.kernels.micro_step(batch, wanted)
        return loss

    @torch.no_grad()
    def validation_loss(self, documents: list[Encoded]) -> float:
        """Mean loss over the documents' graded tokens, without dropout."""
        self.model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.model.device)
        # Layers compiled for training would be compiled again for this.
        with torch.compiler.set_stance("force_eager"):
            for batch in self.validation_layout.batches(_mine(documents), self.padding):
                total += micro_batch_loss(self.model, batch.to(self.model.device))
        processes.add_up([total])
        return total.item() / graded(documents)


def _mine(documents: list[Encoded]) -> list[Encoded]:
    """This process's part of them."""
    return documents[processes.rank() :: processes.world()]


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
    training, validation = layouts
    kernels = Kernels(model, training, saved_kernels)
    return Learner(model, weights, optimizer, validation, kernels, padding, settings.max_grad_norm)
