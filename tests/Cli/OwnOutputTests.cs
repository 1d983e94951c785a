using CsUnet.Cli;
using CsUnet.Cli.Report;
using CsUnet.Lab;
using CsUnet.Verification;

namespace CsUnet.Tests.Cli;

/// <summary>Result files replace results of earlier calls and nothing else.</summary>
public sealed class OwnOutputTests : IDisposable
{
    private readonly Workspace _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lab bench", "--json", "out.json")]
    [InlineData("lab bench", "--csv", "out.csv")]
    [InlineData("lab project", "--json", "out.json")]
    [InlineData("lab report", "--out", "out.html")]
    [InlineData("bench step", "--json", "out.json")]
    [InlineData("gradcheck", "--json", "out.json")]
    [InlineData("gradcheck", "--report", "out.html")]
    [InlineData("kernels profile", "--csv", "out.csv")]
    public void A_file_of_something_else_is_not_replaced(string command, string option, string name)
    {
        foreach (string text in new[] { "mine\n", "{ \"mine\": 1 }\n", "<!doctype html>\n<html><body>mine</body></html>\n" })
        {
            string file = _folder.Write(name, text);
            ProgramRun.Refuses([.. command.Split(' '), option, file], $"{option} {file}: a file of something else is there already",
                "an earlier result of this program", "give another name");
            Assert.Equal(text, File.ReadAllText(file));
        }
    }

    [Fact]
    public void Files_beside_a_page_are_not_replaced_either()
    {
        string svg = _folder.Write("out.svg", "<svg/>");
        ProgramRun.Refuses(["lab", "report", "--device", "cpu", "--out", _folder["out.html"]], "a file of something else");
        Assert.Equal("<svg/>", File.ReadAllText(svg));
    }

    [Fact]
    public void Links_and_devices_are_not_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        File.CreateSymbolicLink(_folder["out.json"], _folder.Write("mine", ""));
        ProgramRun.Refuses(["bench", "step", "--json", _folder["out.json"]], $"this is a link to {_folder["mine"]}");
        ProgramRun.Refuses(["bench", "step", "--json", "/dev/null"], "this is a device");
    }

    [Fact]
    public void What_the_program_wrote_is_recognised()
    {
        string[] texts =
        [
            "",
            new GradCheckSummary([], "cpu", "csunet gradcheck", new GradCheckSelection(), TimeSpan.Zero).ToJson(),
            GradCheckPage.Render(new GradCheckSummary([], "cpu", "csunet gradcheck", new GradCheckSelection(), TimeSpan.Zero)),
            $"{KernelProfile.Heading}\n",
            HtmlReport.Render(new ReportContent { Title = "<a>", Summary = "" }),
            new LineChart("Loss", "step", []).ToFile(),
            "operator,shape,pass,variant,type,median_s\n",
            "{\n  \"what\": \"training step\",\n",
        ];
        foreach (string text in texts)
            OwnOutput.RequireReplaceable("--out", _folder.Write("out", text));
        OwnOutput.RequireReplaceable("--out", _folder["absent"]);
    }

    [Fact]
    public void A_folder_with_other_weights_is_not_written_to()
    {
        string weights = _folder["last.safetensors"];
        CsUnet.Tensors.SafetensorsFile.Write(weights, []);
        ProgramRun.Refuses(["selftest", "--write", _folder.Root], $"{weights} is no reference case");
        File.Delete(weights);
        OwnOutput.RequireCases("--write", TestFiles.Golden);
    }
}
