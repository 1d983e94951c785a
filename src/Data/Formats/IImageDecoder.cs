namespace CsUnet.Data.Formats;

/// <summary>An open image file.</summary>
internal interface IImageDecoder
{
    /// <summary>What the file says; known without decoding.</summary>
    ImageFacts Facts { get; }

    /// <summary>Memory that decoding needs beside the decoded samples, in bytes.</summary>
    long ScratchBytes { get; }

    /// <summary>Decodes chosen samples of every pixel, as stored.</summary>
    /// <param name="take">Which samples of a pixel, in ascending order.</param>
    /// <param name="mask">Whether wide samples must be whole numbers from 0 to 65535.</param>
    /// <exception cref="DataException">The file is damaged, or a sample is not such a number.</exception>
    SampleData Decode(int[] take, bool mask);
}
