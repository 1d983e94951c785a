using System.Text.Json;
using CsUnet.Cli;
using CsUnet.Cli.Commands;
using CsUnet.Cli.Report;
using CsUnet.Cuda;
using CsUnet.Verification;

namespace CsUnet.Tests.Cli;

/// <summary>The output of <c>csunet gradcheck</c> for people and for programs, and its exit codes.</summary>
[Collection(KernelSettings.Name)]
public sealed class GradCheckCommandTests
{
    [Fact]
    public void One_line_per_argument_a_summary_a_file_and_a_page()
    {
        using var workspace = new Workspace();
        ProgramRun run = ProgramRun.Of(
            "gradcheck", "--op", "maxpool2d", "--json", workspace["result.json"], "--report", workspace["result.html"]);
        Assert.True(run.Code == ExitCode.Success, run.Error + run.Out);
        Assert.Contains("MaxPool2d 2/2 (1,6,4,9)", run.Out);
        Assert.Contains("input without ties: multiples of 1/16", run.Out);
        Assert.Contains("MaxPool2d random shapes", run.Out);
        Assert.Contains("3 passed, 0 failed; 3 arguments, ", run.Out);

        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(workspace["result.json"]));
        Assert.Equal((3, 0), (json.RootElement.GetProperty("passed").GetInt32(), json.RootElement.GetProperty("failed").GetInt32()));
        JsonElement[] checks = [.. json.RootElement.GetProperty("checks").EnumerateArray()];
        Assert.Equal(["operator", "operator", "shapes"], checks.Select(check => check.GetProperty("kind").GetString()));
        JsonElement argument = Assert.Single(checks[0].GetProperty("arguments").EnumerateArray());
        Assert.Equal("input", argument.GetProperty("name").GetString());
        Assert.Equal(40, argument.GetProperty("entries").GetInt64());
        Assert.InRange(argument.GetProperty("share").GetDouble(), 0, 1);

        string page = File.ReadAllText(workspace["result.html"]);
        Assert.Contains("prefers-color-scheme:dark", page);
        Assert.DoesNotContain("http", page);
        Assert.DoesNotContain("Failed:", page);
    }

    private static GradCheckSummary Failing { get; } = new(
        [
            new("Good (1)", GradCheckKind.Operator, "float64", [new("input", "entries", 1e-9, 0.1, 5, 0, 0, "(2)", null)], "", null, null,
                TimeSpan.Zero),
            new("Bad (1)", GradCheckKind.Operator, "float64", [new("weight", "entries", 0.5, 5e7, 5, 1, 2, "(3,<1>)", "wrong")], "",
                "weight: wrong", "yield return new();", TimeSpan.Zero),
        ],
        "cpu", "csunet gradcheck", new GradCheckSelection(), TimeSpan.FromSeconds(3));

    [Fact]
    public void A_failure_is_exit_code_1_and_comes_first_on_the_page()
    {
        Assert.Equal(ExitCode.Failure, GradCheckCommand.CodeOf(Failing));
        Assert.Equal("1 passed, 1 failed; 2 arguments, 10 entries, 1 undecided, 0 random shapes; largest share 50000000.000: Bad (1); 3 s",
            Failing.Text);
        string page = GradCheckPage.Render(Failing);
        Assert.Contains("Failed: Bad (1), float64", page);
        Assert.Contains("yield return new();", page);
        Assert.Contains("(3,&lt;1&gt;)", page);
        string table = page[page.IndexOf("By argument, worst first", StringComparison.Ordinal)..];
        Assert.True(table.IndexOf("Bad (1)", StringComparison.Ordinal) < table.IndexOf("Good (1)", StringComparison.Ordinal));
        Assert.Contains("\"failure\": \"weight: wrong\"", Failing.ToJson());
    }

    [Fact]
    public void A_misspelt_operator_is_answered_with_the_nearest() =>
        ProgramRun.Refuses(["gradcheck", "--op", "LayrNorm"], "--op LayrNorm: no check has this in its name, expected one of Linear, ",
            "; did you mean 'LayerNorm'?");

    [Fact]
    public void A_misspelt_preset_is_answered_with_the_nearest() =>
        ProgramRun.Refuses(["gradcheck", "--model", "cs-unet-tny"], "--model", "cs-unet-tiny");

    [Fact]
    public void A_model_and_an_operator_at_once_are_refused() =>
        ProgramRun.Refuses(["gradcheck", "--model", "cs-unet-mini", "--op", "ReLU"], "--op and --model contradict each other",
            "give one of them");

    [Fact]
    public void A_device_that_does_not_exist_is_refused() =>
        ProgramRun.Refuses(["gradcheck", "--device", "gpu"], "--device", "'gpu' is not known");

    [Fact]
    public void Without_a_GPU_the_drivers_reason_is_exit_code_1()
    {
        Assert.SkipWhen(DeviceList.Read().DriverProblem is null, "this machine has a GPU driver");
        ProgramRun run = ProgramRun.Of("gradcheck", "--device", "cuda");
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("error: device cuda:0: no GPU can be used: ", run.Error);
        Assert.Empty(run.Out);
    }
}
