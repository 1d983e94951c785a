"""CS-UNet in PyTorch, written from the paper: the peer that csunet is timed against and compared with.

Module names give the state-dict names of the public weight files, so the parameters can follow from their names, as those of the golden
cases do. Tokens are (B, H, W, C) throughout; images and CNN features are (B, C, H, W).
"""

import numpy
import torch
import torch.nn.functional as F
from torch import nn


def name_hash(name):
    """FNV-1a of the UTF-8 bytes of a name, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def uniform(name, count):
    """u_i = (splitmix64(fnv1a64(name) + i) >> 40) / 2^23 - 1 as float64."""
    with numpy.errstate(over="ignore"):
        x = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(name_hash(name)) + numpy.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        x = (x ^ (x >> numpy.uint64(31))) >> numpy.uint64(40)
    return x.astype(numpy.float64) / 8388608.0 - 1.0


def formula_input(name, shape):
    """An input tensor: u of its name, in float32."""
    return torch.from_numpy(uniform(name, int(numpy.prod(shape))).astype(numpy.float32)).reshape(shape)


def formula_parameter(name, shape):
    """A parameter: u of its name, scaled by what kind of parameter it is, in float32."""
    count = int(numpy.prod(shape))
    u = uniform(name, count)
    if name.endswith("bias_table"):
        values = 0.2 * u
    elif len(shape) == 1:
        values = (1.0 if name.endswith("weight") else 0.0) + 0.1 * u
    else:
        values = numpy.sqrt(3.0 * shape[0] / count) * u
    return torch.from_numpy(values.astype(numpy.float32)).reshape(tuple(shape))


class WindowAttention(nn.Module):
    """Multi-head attention in windows of the token grid, with relative position bias and, when shifted, the region mask."""

    def __init__(self, channels, window, heads, shift, height, width, fused):
        super().__init__()
        self.window, self.heads, self.shift, self.fused = window, heads, shift, fused
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.bottom, self.right = -height % window, -width % window
        rows = torch.arange(window)
        distance = rows[:, None] - rows[None, :] + window - 1
        # index[(iy,ix), (jy,jx)] = (iy - jy + ws - 1) (2 ws - 1) + (ix - jx + ws - 1)
        index = distance[:, None, :, None] * (2 * window - 1) + distance[None, :, None, :]
        self.register_buffer("index", index.reshape(-1), persistent=False)
        mask = self._mask(height + self.bottom, width + self.right) if shift else None
        self.register_buffer("mask", mask, persistent=False)

    def _mask(self, height, width):
        """(windows, ws^2, ws^2): -100 between tokens that come from different sides of the shifted grid."""
        def regions(side):
            position = torch.arange(side)
            return (position >= side - self.window).long() + (position >= side - self.shift).long()
        grid = (3 * regions(height)[:, None] + regions(width)[None, :]).reshape(1, height, width, 1)
        region = self._partition(grid).reshape(-1, self.window ** 2)
        return torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)

    def _partition(self, x):
        """(B, H, W, C) -> (B, windows, ws^2, C)."""
        b, h, w, c = x.shape
        ws = self.window
        return x.reshape(b, h // ws, ws, w // ws, ws, c).transpose(2, 3).reshape(b, -1, ws * ws, c)

    def forward(self, x):
        height, width, c = x.shape[1:]
        ws, heads = self.window, self.heads
        if self.bottom or self.right:
            x = F.pad(x, (0, 0, 0, self.right, 0, self.bottom))
        b, h, w, _ = x.shape
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        windows = self._partition(x)
        count = windows.shape[1]
        # (3, B windows, heads, ws^2, head dim)
        q, k, v = self.qkv(windows).reshape(b * count, ws * ws, 3, heads, c // heads).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.relative_position_bias_table[self.index].reshape(ws * ws, ws * ws, heads).permute(2, 0, 1)
        if self.mask is not None:
            # (B windows, heads, ws^2, ws^2): the mask of each window beside the bias of each head.
            bias = bias[None, None] + self.mask[None, :, None].to(bias.dtype)
            bias = bias.expand(b, -1, -1, -1, -1).reshape(b * count, heads, ws * ws, ws * ws)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype).expand(b * count, -1, -1, -1))
        else:
            x = torch.softmax((q * (c // heads) ** -0.5) @ k.transpose(-2, -1) + bias, -1).to(v.dtype) @ v
        x = self.proj(x.transpose(1, 2).reshape(b, count, ws * ws, c))
        x = x.reshape(b, h // ws, w // ws, ws, ws, c).transpose(2, 3).reshape(b, h, w, c)
        if self.shift:
            x = torch.roll(x, (self.shift, self.shift), (1, 2))
        return x[:, :height, :width]


class Mlp(nn.Module):
    """CS-UNet's residual MLP, or Swin's own."""

    def __init__(self, channels, hidden, residual):
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)
        self.fc3 = nn.Linear(channels, channels) if residual else None

    def forward(self, x):
        y = self.fc2(F.gelu(self.fc1(x)))
        return y if self.fc3 is None else self.fc3(F.gelu(y + x))


class SwinBlock(nn.Module):
    def __init__(self, channels, height, width, options, heads, shifted):
        super().__init__()
        side = min(height, width)
        shift = options["window"] // 2 if shifted and side > options["window"] else 0
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, min(options["window"], side), heads, shift, height, width, options["fused"])
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, 4 * channels, options["mlp"] == "resmlp")

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def swin_blocks(options, stage):
    height, width = options["height"] // 4 >> stage, options["width"] // 4 >> stage
    return nn.ModuleList(SwinBlock(options["embed"] << stage, height, width, options, options["heads"][stage], j % 2 == 1)
                         for j in range(options["depths"][stage]))


class PatchEmbed(nn.Module):
    def __init__(self, embed):
        super().__init__()
        self.proj = nn.Conv2d(3, embed, 4, 4)
        self.norm = nn.LayerNorm(embed)

    def forward(self, images):
        return self.norm(self.proj(images).permute(0, 2, 3, 1))


class PatchMerging(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x):
        offsets = [x[:, row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return self.reduction(self.norm(torch.cat(offsets, -1)))


class PatchExpand(nn.Module):
    def __init__(self, inputs, outputs, scale):
        super().__init__()
        self.scale = scale
        self.expand = nn.Linear(inputs, scale * scale * outputs, bias=False)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x):
        b, h, w, _ = x.shape
        s = self.scale
        x = self.expand(x).reshape(b, h, w, s, s, -1)
        return self.norm(x.transpose(2, 3).reshape(b, h * s, w * s, -1))


class Stage(nn.Module):
    """Swin blocks, then a change of resolution under the given name, or none."""

    def __init__(self, options, stage, name=None, change=None):
        super().__init__()
        self.blocks = swin_blocks(options, stage)
        self.change = name
        if name is not None:
            self.add_module(name, change)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x if self.change is None else getattr(self, self.change)(x)


class SwinEncoder(nn.Module):
    def __init__(self, options):
        super().__init__()
        embed = options["embed"]
        self.patch_embed = PatchEmbed(embed)
        self.layers = nn.ModuleList(
            Stage(options, stage, "downsample", PatchMerging(embed << stage)) if stage < 3 else Stage(options, stage) for stage in range(4))
        self.norm = nn.LayerNorm(embed << 3)

    def forward(self, images):
        x, skips = self.patch_embed(images), []
        for layer in self.layers:
            skips.append(x)
            x = layer(x)
        return self.norm(x), skips


class ResidualBlock(nn.Module):
    """ResNet's basic or bottleneck block; the stride is on the first 3x3 convolution."""

    def __init__(self, kind, inputs, width, stride):
        super().__init__()
        kernels = (3, 3) if kind == "basic" else (1, 3, 1)
        outputs = width if kind == "basic" else 4 * width
        self.count = len(kernels)
        channels = inputs
        for i, kernel in enumerate(kernels):
            last = i == self.count - 1
            step = stride if i == (0 if kind == "basic" else 1) else 1
            self.add_module(f"conv{i + 1}", nn.Conv2d(channels, outputs if last else width, kernel, step, kernel // 2, bias=False))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(outputs if last else width))
            channels = width
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        for i in range(1, self.count + 1):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))
            x = F.relu(x if i < self.count else x + shortcut)
        return x


class ResNet(nn.Module):
    """Features at strides 4, 8, 16, 32."""

    def __init__(self, kind, layers, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage, depth in enumerate(layers):
            blocks = []
            for j in range(depth):
                blocks.append(ResidualBlock(kind, channels, width << stage, 2 if j == 0 and stage > 0 else 1))
                channels = (width << stage) * (1 if kind == "basic" else 4)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, images):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)
        features = []
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
            features.append(x.permute(0, 2, 3, 1))
        return features


class CnnBranch(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.cnn_encoder = ResNet(options["cnn"], options["cnn_layers"], options["cnn_width"])

    def forward(self, images):
        return self.cnn_encoder(images)


class Decoder(nn.Module):
    def __init__(self, options):
        super().__init__()
        e = options["embed"]
        cnn = [(options["cnn_width"] << stage) * (1 if options["cnn"] == "basic" else 4) for stage in range(4)]
        self.layers_up = nn.ModuleList([PatchExpand(8 * e + cnn[3], 4 * e, 2)] + [
            Stage(options, stage, "upsample", PatchExpand(e << stage, e << stage >> 1, 2)) if stage > 0 else Stage(options, stage)
            for stage in (2, 1, 0)])
        self.concat_back_dim = nn.ModuleDict({
            str(level): nn.Linear(2 * (8 * e >> level) + cnn[3 - level], 8 * e >> level) for level in (1, 2, 3)})
        self.norm_up = nn.LayerNorm(e)
        self.up = PatchExpand(e, e, 4)
        self.output = nn.Conv2d(e, options["classes"], 1, bias=False)

    def forward(self, x, skips, cnn):
        x = self.layers_up[0](torch.cat([x, cnn[3]], -1))
        for level in (1, 2, 3):
            x = self.concat_back_dim[str(level)](torch.cat([x, skips[3 - level], cnn[3 - level]], -1))
            x = self.layers_up[level](x)
        # Tokens (B, H, W, C) seen as a channels-last image: nothing is copied.
        return self.output(self.up(self.norm_up(x)).permute(0, 3, 1, 2))


class CsUnet(nn.Module):
    """Logits (B, classes, H, W) of images (B, 3, H, W).

    options: height, width, classes, embed, depths, heads, window, mlp (mlp or resmlp), cnn (basic or bottleneck), cnn_layers, cnn_width,
    fused (whether attention is torch's scaled_dot_product_attention).
    """

    def __init__(self, options):
        super().__init__()
        self.encoder = SwinEncoder(options)
        self.cnn = CnnBranch(options)
        self.decoder = Decoder(options)

    def forward(self, images):
        x, skips = self.encoder(images)
        return self.decoder(x, skips, self.cnn(images))

    def fill_by_formula(self):
        """Sets every parameter from its name; returns the network."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(formula_parameter(name, parameter.shape))
        return self


def tiny(size, classes, fused):
    """The preset cs-unet-tiny: Swin-T and ResNet-50, window 7 where the coarsest stage is a multiple of 7 tokens, else 8."""
    return {"height": size, "width": size, "classes": classes, "embed": 96, "depths": (2, 2, 6, 2), "heads": (3, 6, 12, 24),
            "window": 7 if size // 32 % 7 == 0 else 8, "mlp": "resmlp", "cnn": "bottleneck", "cnn_layers": (3, 4, 6, 3), "cnn_width": 64,
            "fused": fused}
