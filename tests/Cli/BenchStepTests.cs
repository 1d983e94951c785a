using System.Text.Json;
using CsUnet.Cli;

namespace CsUnet.Tests.Cli;

/// <summary>The tables and the result file of <c>csunet bench step</c>.</summary>
public sealed class BenchStepTests
{
    [Fact]
    public void A_step_is_broken_down_by_operator_layer_and_phase()
    {
        using var workspace = new Workspace();
        ProgramRun run = ProgramRun.Of("bench", "step", "--model", "cs-unet-mini", "--size", "64", "--batch", "1", "--repeats", "1",
            "--layers", "--json", workspace["step.json"]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains("encoder.layers.0.blocks.1.attn.qkv ", run.Out);
        Assert.Contains("encoder.layers.0.blocks.1.mlp ", run.Out);
        Assert.Matches(@"fma_peak_share: 0\.\d\d", run.Out);

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(workspace["step.json"]));
        JsonElement result = document.RootElement;
        foreach (string phase in (string[])["forwardSeconds", "backwardSeconds", "optimizerSeconds", "dataSeconds", "stepSeconds",
            "inferenceSeconds"])
            Assert.InRange(result.GetProperty(phase).GetDouble(), 1e-7, 60);
        // Both tables contain every call, so both contain the same work: that of the forward pass.
        foreach (string table in (string[])["operators", "layers"])
        {
            JsonElement[] rows = [.. result.GetProperty(table).EnumerateArray()];
            Assert.Equal(result.GetProperty("multiplyAddsForward").GetInt64(), rows.Sum(row => row.GetProperty("multiplyAdds").GetInt64()));
            Assert.InRange(rows.Sum(row => row.GetProperty("forwardSeconds").GetDouble()), 1e-6,
                result.GetProperty("forwardSeconds").GetDouble());
            Assert.InRange(rows.Sum(row => row.GetProperty("backwardSeconds").GetDouble()), 1e-6,
                result.GetProperty("backwardSeconds").GetDouble());
            Assert.All(rows, row => Assert.Equal(0, row.GetProperty("launches").GetInt32()));
        }
        Assert.Equal(JsonNumber(result, "operators", "calls"), JsonNumber(result, "layers", "calls"));
    }

    private static int JsonNumber(JsonElement result, string table, string name) =>
        result.GetProperty(table).EnumerateArray().Sum(row => row.GetProperty(name).GetInt32());
}
