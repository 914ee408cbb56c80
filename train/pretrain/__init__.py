"""Pretraining of the embedded encoder on plain text: ``python -m train.pretrain --config configs/pretrain/base.yaml``."""
