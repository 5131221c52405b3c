using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Capture;

/// <summary>Options that list ports, <c>25,587</c>: as annotations of a pod write them (design.md §6). Pure.</summary>
internal static class PortList
{
    /// <summary>Such an option.</summary>
    public static Option<string?> Option(string name, string description) =>
        new Option<string?>(name) { Description = $"{description}, separated by commas", HelpName = "PORTS" }.FromEnvironment();

    /// <summary>Reads it, sorted, each once; null and empty are no ports. Throws <see cref="StartupException"/>.</summary>
    public static ImmutableArray<int> Parse(string option, string? text)
    {
        var ports = new SortedSet<int>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!ushort.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
            {
                throw StartupException.WrongOption(option, $"'{part}' is not a port");
            }

            ports.Add(port);
        }

        return [.. ports];
    }
}
