"""A small convolutional classifier, whose features measure other models' images."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deconvgen.nn.conv import Conv


class Classifier(nn.Module):
    """Six 3 x 3 convolutions, at three sizes, averaged over space into features.

    Batch norm and ReLU follow each; the width doubles where the size halves. Gives
    (features [b, 4 width], logits [b, num_classes]).

    >>> net = Classifier(num_classes=10, width=4)
    >>> features, logits = jax.eval_shape(net.init_with_output, key, images)[0]
    >>> features.shape, logits.shape
    ((8, 16), (8, 10))
    """

    num_classes: int
    width: int = 24
    dropout: float = 0.1

    @nn.compact
    def __call__(
        self, images: Float[Array, "b h w c"], train: bool = False
    ) -> tuple[Float[Array, "b d"], Float[Array, "b k"]]:
        x = images
        for features, stride in [
            (self.width, 1),
            (self.width, 2),
            (2 * self.width, 1),
            (2 * self.width, 2),
            (4 * self.width, 1),
            (4 * self.width, 1),
        ]:
            x = Conv(features, (3, 3), (stride, stride), use_bias=False)(x)
            x = nn.BatchNorm(use_running_average=not train, momentum=0.95)(x)
            x = jax.nn.relu(x)
        features = jnp.mean(x, axis=(1, 2))
        x = nn.Dropout(self.dropout, deterministic=not train)(features)
        return features, nn.Dense(self.num_classes)(x)
