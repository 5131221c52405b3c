using System.Globalization;
using MeshLite.Processes;

namespace MeshLite.Bench.Scale;

/// <summary>What the environment says of a run. Immutable.</summary>
internal sealed record ScaleSettings
{
    /// <summary>Services of the cluster. <value><c>SCALE_SERVICES</c>, 1,000.</value></summary>
    public int Services { get; init; } = 1_000;

    /// <summary>Pods of each Service. <value><c>SCALE_PODS</c>, 20: 20,000 endpoints.</value></summary>
    public int PodsPerService { get; init; } = 20;

    /// <summary>Sidecars that connect, a run for each number. <value><c>SCALE_SIDECARS</c>, 100,1000,10000; at most as many as there are pods.</value></summary>
    public IReadOnlyList<int> Sidecars { get; init; } = [100, 1_000, 10_000];

    /// <summary>How long endpoints change. <value><c>SCALE_SECONDS</c>, 30.</value></summary>
    public int ChurnSeconds { get; init; } = 30;

    /// <summary>Endpoint changes, and in the rolling restart pods, a second. <value><c>SCALE_RATE</c>, 100.</value></summary>
    public int RatePerSecond { get; init; } = 100;

    /// <summary>Fewest and most Services a sidecar subscribes to, any number between equally likely.</summary>
    public (int Fewest, int Most) Subscriptions { get; init; } = (5, 50);

    /// <summary>Sidecars beside the others that never acknowledge anything. <value>One in a hundred, at least 10.</value></summary>
    public static int StuckBeside(int sidecars) => Math.Max(10, sidecars / 100);

    public static ScaleSettings Read()
    {
        var defaults = new ScaleSettings();
        var settings = defaults with
        {
            Services = Number("SCALE_SERVICES", defaults.Services),
            PodsPerService = Number("SCALE_PODS", defaults.PodsPerService),
            Sidecars = Environment.GetEnvironmentVariable("SCALE_SIDECARS") is { Length: > 0 } text ? [.. text.Split(',').Select(t => Parse("SCALE_SIDECARS", t))] : defaults.Sidecars,
            ChurnSeconds = Number("SCALE_SECONDS", defaults.ChurnSeconds),
            RatePerSecond = Number("SCALE_RATE", defaults.RatePerSecond),
        };
        var pods = settings.Services * settings.PodsPerService;
        return settings.Sidecars.FirstOrDefault(n => n + StuckBeside(n) > pods) is > 0 and var many ? throw new ProcessFailedException($"{many} sidecars, and some stuck ones, do not fit on {pods} pods")
            : settings.Services < settings.Subscriptions.Most ? throw new ProcessFailedException($"SCALE_SERVICES: at least {settings.Subscriptions.Most}")
            : settings;
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? Parse(variable, text) : otherwise;

    private static int Parse(string variable, string text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number > 0
        ? number
        : throw new ProcessFailedException($"{variable}: '{text}' is no whole number above 0");
}
