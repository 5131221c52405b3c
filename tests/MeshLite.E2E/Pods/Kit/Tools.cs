namespace MeshLite.E2E.Pods.Kit;

/// <summary>Programs of other people that tests use where they are installed.</summary>
internal static class Tools
{
    private static readonly string[] Directories =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/sbin"];

    /// <summary>Whether it is.</summary>
    public static bool Has(string program) => (program == "postgres" && PostgresDirectory is not null) || Directories.Any(directory => File.Exists(Path.Combine(directory, program)));

    /// <summary>PostgreSQL's own directory, which is in nobody's PATH; null: not installed.</summary>
    public static string? PostgresDirectory { get; } =
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
            : null;

    /// <summary>Skips the running test where one is missing.</summary>
    public static void Need(params string[] programs)
    {
        Assert.SkipWhen(PodNetwork.Missing is not null, PodNetwork.Missing ?? "");
        foreach (var program in programs)
        {
            Assert.SkipUnless(Has(program), $"{program} is not installed");
        }
    }
}
