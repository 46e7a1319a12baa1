"""A training in two processes, each with half of the data; rank 0 prints the reports and the loss.

torchrun --standalone --nproc-per-node 2 train.py --lr 0.1
"""

import argparse
import json

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
lr = parser.parse_args().lr

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
target = torch.arange(8.0)[rank::world]
weight = torch.zeros(())
for epoch in range(3):
    gradient = (weight - target).mean()
    dist.all_reduce(gradient)  # both ranks take the same step
    weight -= lr * gradient / world
    loss = ((weight - target) ** 2).mean()
    dist.all_reduce(loss)
    if rank == 0:
        print(json.dumps({"step": epoch, "value": loss.item() / world}), flush=True)
if rank == 0:
    print(json.dumps({"loss": loss.item() / world, "world": world}), flush=True)
dist.destroy_process_group()
