using System.Collections.Immutable;
using System.CommandLine;
using System.Net;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Capture;

/// <summary>
/// <c>meshlite-sidecar capture</c>: leads the TCP of this network namespace through the sidecar, IPv4 and IPv6 (the first init
/// container of an injected pod; needs NET_ADMIN and NET_RAW). Fails where IPv6 can be used and not be captured.
/// </summary>
internal static class CaptureCommand
{
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "print what would be given to iptables-restore, change nothing" };
    private static readonly Option<bool> Undo = new("--undo") { Description = "take the rules away again" };
    private static readonly Option<IPEndPoint> Outbound = CommonOptions.EndPoint("--outbound", new IPEndPoint(IPAddress.Loopback, 15001), "the sidecar's --outbound").FromEnvironment();
    private static readonly Option<IPEndPoint> Inbound = CommonOptions.EndPoint("--inbound", new IPEndPoint(IPAddress.Any, 15006), "the sidecar's --inbound").FromEnvironment();
    private static readonly Option<IPEndPoint> Telemetry = CommonOptions.EndPoint("--telemetry", new IPEndPoint(IPAddress.Any, 15020), "the sidecar's --telemetry").FromEnvironment();
    private static readonly Option<string?> SkipInbound = PortList.Option("--skip-inbound-ports", "ports of this pod reached without the sidecar");
    private static readonly Option<string?> SkipOutbound = PortList.Option("--skip-outbound-ports", "ports of others reached without the sidecar");

    public static Command Create()
    {
        var command = new Command("capture", "Lead this pod's TCP through its sidecar, by iptables and ip6tables.")
        {
            DryRun, Undo, Outbound, Inbound, Telemetry, SkipInbound, SkipOutbound,
        };
        command.SetAction(result =>
        {
            var options = new CaptureOptions
            {
                OutboundPort = Port("--outbound", result.GetValue(Outbound)!),
                InboundPort = Port("--inbound", result.GetValue(Inbound)!),
                TelemetryPort = Port("--telemetry", result.GetValue(Telemetry)!),
                SkipInbound = PortList.Parse("--skip-inbound-ports", result.GetValue(SkipInbound)),
                SkipOutbound = PortList.Parse("--skip-outbound-ports", result.GetValue(SkipOutbound)),
            };
            return Run(options, result.GetValue(Undo), result.GetValue(DryRun), Console.Out);
        });
        return command;
    }

    private static int Run(CaptureOptions options, bool undo, bool dryRun, TextWriter output)
    {
        ImmutableArray<CaptureFamily> families = [CaptureFamily.V4, CaptureFamily.V6];
        foreach (var family in families)
        {
            var tables = IpTables.Find(family, out var problem);
            if (tables is null && !dryRun && !Tolerated(family, undo, out var why))
            {
                throw new StartupException($"can't capture: {problem}{why}");
            }

            if (tables is null && !dryRun)
            {
                output.WriteLine($"{family.Program}: left alone ({problem})");
                continue;
            }

            var saved = tables?.Saved ?? "";
            var rules = undo ? CaptureRules.Remove(saved) : CaptureRules.Install(options, family, saved);
            if (dryRun)
            {
                output.Write($"# {tables?.Name ?? family.Program}-restore --noflush{(tables is null ? $"   ({problem})" : "")}\n{rules}");
            }
            else if (rules.Length == 0)
            {
                output.WriteLine($"{tables!.Name}: nothing to undo");
            }
            else
            {
                tables!.Restore(rules);
                output.WriteLine(undo ? $"{tables.Name}: undone" : $"{tables.Name}: outgoing TCP goes to port {options.OutboundPort}, incoming to {options.InboundPort}");
            }
        }

        return 0;
    }

    // Without IPv6 there is nothing to capture; with it, what is not captured would leave in plaintext.
    private static bool Tolerated(CaptureFamily family, bool undo, out string why)
    {
        why = "";
        if (family == CaptureFamily.V4 || undo)
        {
            return family == CaptureFamily.V6;
        }

        why = " (and this pod has IPv6 addresses, by which calls would leave in plaintext)";
        return Ipv6Addresses.Look() != Ipv6.Present;
    }

    private static int Port(string option, IPEndPoint endPoint) =>
        endPoint.Port != 0 ? endPoint.Port : throw StartupException.WrongOption(option, "rules need a fixed port, not 0");
}
