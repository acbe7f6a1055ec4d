"""A short training in a process of its own, for `resume` to compare with others.

    python -m on_gpu.trainer FILE.npz --steps=20 [--first=10 --state=OTHER.npz] [--k=1]
    python -m on_gpu.trainer FOLDER --whole     # the command's own loop, dcgan:smoke

The first writes the leaves of the state after `steps` steps and the losses of each
call; with `--half` the state after half of them besides, into FILE.half.npz.
"""

import argparse


def whole(folder: str) -> None:
    """What `train` does, in a folder, from its last checkpoint if there is one."""
    from deconvgen.core import runtime

    runtime.prepare()  # the command's environment: its programs come from a cache
    from deconvgen import config
    from deconvgen.runs import train

    given = ["eval.extractor=random", "checkpoint_every=10", "steps=40"]
    train.train(config.load("dcgan:smoke", given), folder, quiet=True)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--state", default="")
    parser.add_argument("--k", type=int, default=1)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    if options.whole:
        whole(options.file)
        return
    import jax
    import numpy as np

    from on_gpu.engine import Member, Program, fashion, settings

    member = Member(settings("dcgan:smoke"), fashion(1000))
    tree, state = jax.tree.structure(member.state), member.state
    if options.state:
        with np.load(options.state) as kept:
            leaves = [kept[f"leaf{i}"] for i in range(tree.num_leaves)]
        state = jax.device_put(jax.tree.unflatten(tree, leaves))
    k = options.k
    program = Program(member.steps(k), member.data, member.root, state, k)
    program.index = options.first
    losses = []

    def write(path: str) -> None:
        leaves = jax.device_get(jax.tree.leaves(program.state))
        named = {f"leaf{i}": leaf for i, leaf in enumerate(leaves)}
        np.savez(path, losses=np.array(losses), **named)

    while program.index < options.steps:
        if options.half and program.index == options.steps // 2:
            write(options.file.removesuffix(".npz") + ".half.npz")
        scalars = jax.device_get(program())
        losses.append([float(scalars[name]) for name in ("d_loss", "g_loss")])
    write(options.file)


if __name__ == "__main__":
    main()
