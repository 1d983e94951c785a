using System.IO.Compression;
using System.Xml.Linq;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Library;

/// <summary>The NuGet packages as a user gets them: from a folder, without the checkout.</summary>
public sealed class PackageTests : IDisposable
{
    private static readonly string[] s_packages =
        ["Autograd", "Cli", "Cuda", "Data", "Kernels", "Lab", "Models", "Nn", "Tensor", "Training", "Verification", "Weights"];

    private static readonly string[] s_platforms = ["linux-arm64", "linux-x64", "osx-arm64", "win-x64"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Packages_say_what_they_are_and_the_first_network_runs_from_them()
    {
        string[] needed = ["Autograd", "Cuda", "Kernels", "Nn", "Tensor", "Weights"];
        Pack(needed);
        string[] packed = [.. Directory.GetFiles(Feed, "*.nupkg").Order(StringComparer.Ordinal)];
        Assert.Equal(needed.Select(name => $"CsUnet.{name}.0.1.0.nupkg"), packed.Select(Path.GetFileName));
        Assert.All(packed, RequireMetadata);
        DocumentedProgram program = DocumentedProgram.Of("first-network.md")[0];
        File.WriteAllText(_folder.File("app/Program.cs"), program.Source);
        File.WriteAllText(_folder.File("app/app.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="CsUnet.Nn" Version="0.1.0" />
              </ItemGroup>
            </Project>
            """);
        WriteConfiguration();
        string app = Path.GetDirectoryName(_folder.File("app/app.csproj"))!;
        DotNetWithPackages("build", "app/app.csproj", "-c", "Release", "-o", "app/out", "-v", "quiet", "--nologo", "-nodeReuse:false",
            "-p:UseSharedCompilation=false");
        DocumentedProgram.RequireLike(program.Output, DotNet("exec", "app/out/app.dll"));
        Assert.Empty(Directory.GetFiles(Path.Combine(app, "out"), "CsUnet.Data*"));
    }

    [Fact]
    public void The_tool_is_installed_and_runs_the_demo()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "packs and installs the program: takes a minute; ./test --all runs it");
        Pack("Cli");
        string package = Path.Combine(Feed, "CsUnet.Cli.0.1.0.nupkg");
        RequireMetadata(package);
        string[] files = Entries(package);
        foreach (string platform in s_platforms)
            Assert.Contains(files, file => file.Contains($"/runtimes/{platform}/native/libvips", StringComparison.Ordinal));
        Assert.Single(files, file => file.EndsWith("/conv2d_groups.safetensors", StringComparison.Ordinal));
        WriteConfiguration();
        DotNetWithPackages("tool", "install", "CsUnet.Cli", "--tool-path", "tool", "--version", "0.1.0", "--configfile", "NuGet.config");
        string program = Path.Combine(_folder.Path, "tool", OperatingSystem.IsWindows() ? "csunet.exe" : "csunet");
        Assert.Contains("0.1.0", DocumentedProgram.Start(_folder, program, ["--version"]));
        string output = DocumentedProgram.Start(_folder, program, ["demo", "--steps", "2", "--out", "run"]);
        Assert.Contains("completed after step 2", output);
        Assert.True(File.Exists(Path.Combine(_folder.Path, "run", "last.safetensors")), output);
        Assert.Contains("0 failed", DocumentedProgram.Start(_folder, program, ["selftest"]));
    }

    [Fact]
    public void Every_project_below_src_is_a_package() => Assert.Equal(
        s_packages, Directory.GetFiles(Path.Combine(DocumentedProgram.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(file => !File.ReadAllText(file).Contains("<IsPackable>false", StringComparison.Ordinal))
            .Select(file => Path.GetFileNameWithoutExtension(file)["CsUnet.".Length..]).Order(StringComparer.Ordinal));

    private string Feed => Path.Combine(_folder.Path, "feed");

    private static string ProjectOf(string name) => Path.Combine(DocumentedProgram.Root, "src", name, $"CsUnet.{name}.csproj");

    /// <summary>Packs the existing build, all projects in one run of MSBuild.</summary>
    private void Pack(params string[] names)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        File.WriteAllText(_folder.File("pack.proj"), $"""
            <Project>
              <ItemGroup>
                {string.Concat(names.Select(name => $"<Packed Include=\"{ProjectOf(name)}\" />"))}
              </ItemGroup>
              <Target Name="Pack">
                <MSBuild Projects="@(Packed)" Targets="Pack"
                  Properties="Configuration={configuration};NoBuild=true;_IsPacking=true;PackageOutputPath={Feed}" />
              </Target>
            </Project>
            """);
        DotNet("msbuild", "pack.proj", "-t:Pack", "-v:quiet", "-nologo", "-nodeReuse:false");
    }

    private string DotNet(params string[] arguments) =>
        DocumentedProgram.Start(_folder, "dotnet", arguments, ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1"));

    // Like DotNet, with its own package folder: our packages must never appear among those that other projects use.
    private string DotNetWithPackages(params string[] arguments) => DocumentedProgram.Start(_folder, "dotnet", arguments,
        ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1"), ("NUGET_PACKAGES", Path.Combine(_folder.Path, "packages")));

    /// <summary>
    /// Makes the folder of our packages the only source, with the packages already restored on this machine as a fallback.
    /// </summary>
    private void WriteConfiguration()
    {
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(_folder.File("NuGet.config"), $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="csunet" value="{Feed}" />
              </packageSources>
              <fallbackPackageFolders>
                <clear />
                <add key="restored" value="{restored}" />
              </fallbackPackageFolders>
            </configuration>
            """);
    }

    private static string[] Entries(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private static void RequireMetadata(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        string name = Path.GetFileName(package);
        ZipArchiveEntry nuspec = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
        XElement metadata = XDocument.Load(nuspec.Open()).Root!.Elements().First();
        string Value(string element) => metadata.Elements().SingleOrDefault(item => item.Name.LocalName == element)?.Value ?? "";
        Assert.True(Value("description").Length > 40, $"{name}: description '{Value("description")}'");
        Assert.Equal("MIT", Value("license"));
        Assert.Equal("README.md", Value("readme"));
        Assert.Contains("deep-learning", Value("tags"));
        Assert.True(archive.GetEntry("README.md")!.Length > 500, $"{name}: README.md");
        Assert.True(File.Exists(Path.ChangeExtension(package, ".snupkg")), $"{name} has no symbols");
        if (!name.StartsWith("CsUnet.Cli", StringComparison.Ordinal))
            Assert.Contains(archive.Entries, entry => entry.FullName.StartsWith("lib/net10.0/", StringComparison.Ordinal)
                && entry.FullName.EndsWith(".xml", StringComparison.Ordinal));
    }
}
