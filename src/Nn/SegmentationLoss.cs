using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>CrossEntropyWeight * cross-entropy + DiceWeight * soft Dice. Pixels labelled 255 are ignored.</summary>
/// <param name="CrossEntropyWeight">Factor of the cross-entropy.</param>
/// <param name="DiceWeight">Factor of the Dice loss.</param>
/// <param name="ClassWeights">Weights of the classes in the cross-entropy; null or empty: all 1.</param>
public sealed record SegmentationLoss(double CrossEntropyWeight = 0.5, double DiceWeight = 0.5, IReadOnlyList<double>? ClassWeights = null)
{
    /// <summary>The label of ignored pixels.</summary>
    public const byte IgnoreIndex = 255;

    private const double Smooth = 1e-5;

    /// <summary>The loss of logits (B, H, W, classes) against labels (B, H, W), as a differentiable scalar.</summary>
    public Variable Apply(Variable logits, Tensor labels)
    {
        IReadOnlyList<double>? classWeights = ClassWeights is { Count: > 0 } ? ClassWeights : null;
        return Variable.Apply(
            new CrossEntropyDice(CrossEntropyWeight, DiceWeight, classWeights, Smooth, IgnoreIndex), logits, new Variable(labels));
    }

    /// <summary>Creates a meter that computes the same loss over any number of pixels from predicted probabilities.</summary>
    /// <param name="classes">Number of classes.</param>
    public Meter CreateMeter(int classes) => new(this, classes);

    /// <summary>The loss over all pixels added so far, as one batch.</summary>
    public sealed class Meter
    {
        private readonly SegmentationLoss _loss;
        private readonly double[] _products, _squares;
        private double _entropy, _weight;

        internal Meter(SegmentationLoss loss, int classes)
        {
            _loss = loss;
            _products = new double[classes];
            _squares = new double[classes];
        }

        /// <summary>Adds pixels.</summary>
        /// <param name="probabilities">Probabilities (pixels, classes).</param>
        /// <param name="truth">Labels (pixels).</param>
        public void Add(ReadOnlySpan<float> probabilities, ReadOnlySpan<byte> truth)
        {
            int classes = _products.Length;
            for (int i = 0; i < truth.Length; i++)
            {
                int label = truth[i];
                if (label == IgnoreIndex)
                    continue;
                ReadOnlySpan<float> pixel = probabilities.Slice(i * classes, classes);
                for (int k = 0; k < classes; k++)
                    _squares[k] += (double)pixel[k] * pixel[k];
                _products[label] += pixel[label];
                _squares[label] += 1;
                double weight = _loss.ClassWeights is { Count: > 0 } weights ? weights[label] : 1;
                // A blended probability can be exactly 0 in float. Its logarithm is then replaced by that of the smallest normal number.
                _entropy -= weight * Math.Log(Math.Max(pixel[label], 1.17549435e-38));
                _weight += weight;
            }
        }

        /// <summary>The loss.</summary>
        public double Value
        {
            get
            {
                double dice = 0;
                for (int k = 0; k < _products.Length; k++)
                    dice += 1 - (2 * _products[k] + Smooth) / (_squares[k] + Smooth);
                double entropy = _weight == 0 ? 0 : _entropy / _weight;
                return _loss.CrossEntropyWeight * entropy + _loss.DiceWeight * dice / _products.Length;
            }
        }
    }
}
