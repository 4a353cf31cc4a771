#!/usr/bin/env python3
"""Exports the benchmark models that no package ships as ONNX files: ResNet-50, MobileNetV2 and BERT-base.

The architectures are those of timm and transformers, the weights random with seed 0: speed and agreement do not depend
on what a model has learned. Fixed sizes: images 1x3x224x224, 128 tokens.

  export_models.py FOLDER [resnet50 mobilenet_v2 bert_base]
"""

import argparse
import os
import sys
import warnings


def image_model(name):
    import torch

    # torchvision's compiled part may be missing beside a CPU build of torch; timm needs none of it, only the names
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        for operator in ("nms", "qnms"):
            library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass  # a complete torchvision is there
    import timm

    return timm.create_model(name, pretrained=False), (torch.randn(1, 3, 224, 224),), ["x"]


def bert_base():
    import torch
    from transformers import BertConfig, BertModel

    class Encoder(torch.nn.Module):
        """Token ids and mask to the last hidden state."""

        def __init__(self):
            super().__init__()
            self.bert = BertModel(BertConfig(attn_implementation="eager"), add_pooling_layer=False)

        def forward(self, ids, mask):
            return self.bert(input_ids=ids, attention_mask=mask, return_dict=False)[0]

    tokens = torch.randint(0, 30000, (1, 128))
    return Encoder(), (tokens, torch.ones(1, 128, dtype=torch.long)), ["ids", "mask"]


MODELS = {
    "resnet50": lambda: image_model("resnet50"),
    "mobilenet_v2": lambda: image_model("mobilenetv2_100"),
    "bert_base": bert_base,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="where the .onnx files go")
    parser.add_argument("names", nargs="*", help="default: all of " + " ".join(MODELS))
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in MODELS]
    if unknown:
        print(f"export_models: unknown model {unknown[0]}; there are " + " ".join(MODELS), file=sys.stderr)
        return 1
    import torch

    warnings.filterwarnings("ignore")
    torch.set_grad_enabled(False)
    os.makedirs(given.folder, exist_ok=True)
    for name in given.names or MODELS:
        path = os.path.join(given.folder, name + ".onnx")
        if os.path.exists(path):
            continue
        torch.manual_seed(0)
        model, inputs, names = MODELS[name]()
        # renamed into place: a file that is there is whole
        torch.onnx.export(model.eval(), inputs, path + ".part", input_names=names, opset_version=17, dynamo=False)
        os.replace(path + ".part", path)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
