using System.Globalization;
using System.Text;

namespace MeshLite.Sidecar.Capture;

/// <summary>
/// The rules that lead a pod's TCP through its sidecar, as input of <c>iptables-restore --noflush</c>: one transaction, so
/// that no connection ever sees half of them. All are in chains of our own but for one jump in PREROUTING and one in OUTPUT,
/// which are made anew each time: run twice, there is still one of each, and nobody else's rules are touched.
/// The jumps come first, since a rule before them could let connections out in plaintext. Pure.
/// </summary>
/// <remarks>
/// Outgoing, in this order: the sidecar calling its own pod (it does so from the loopback address, which nothing else does
/// towards an address of the pod: <see cref="Forwarding.OwnAddresses"/>) goes to its inbound port, as a call from outside would; whatever else
/// the sidecar sends goes out; what stays on this machine is the pod's own affair; ports to skip; the rest goes to the sidecar.
/// </remarks>
internal static class CaptureRules
{
    private const string Inbound = "MESHLITE_INBOUND";
    private const string InRedirect = "MESHLITE_IN_REDIRECT";
    private const string Output = "MESHLITE_OUTPUT";
    private const string Redirect = "MESHLITE_REDIRECT";

    private static readonly string[] Chains = [Inbound, InRedirect, Output, Redirect];

    /// <summary>Whether <paramref name="saved"/>, the output of <c>iptables-save -t nat</c>, has our chains.</summary>
    public static bool ArePresent(string saved) => ChainsIn(saved).Count > 0;

    /// <summary>Puts the rules in place, over what <paramref name="saved"/> has of them.</summary>
    public static string Install(CaptureOptions options, CaptureFamily family, string saved)
    {
        var rules = new StringBuilder("*nat\n");
        RemoveJumps(rules, saved);
        foreach (var chain in Chains)
        {
            Line(rules, $":{chain} - [0:0]"); // creates it, or empties it
        }

        Line(rules, $"-A {InRedirect} -p tcp -j REDIRECT --to-ports {options.InboundPort}");
        Line(rules, $"-A {Redirect} -p tcp -j REDIRECT --to-ports {options.OutboundPort}");

        Line(rules, $"-A {Inbound} -i lo -j RETURN");
        foreach (var port in Ports([options.InboundPort, options.TelemetryPort, .. options.SkipInbound]))
        {
            Line(rules, $"-A {Inbound} -p tcp --dport {port} -j RETURN");
        }

        Line(rules, $"-A {Inbound} -p tcp -j {InRedirect}");

        var own = $"-m owner --uid-owner {CaptureOptions.SidecarUid}";
        Line(rules, $"-A {Output} -s {family.Self} ! -d {family.Loopback} -o lo -p tcp {own} -j {InRedirect}");
        Line(rules, $"-A {Output} {own} -j RETURN");
        Line(rules, $"-A {Output} -o lo -j RETURN");
        foreach (var port in Ports(options.SkipOutbound))
        {
            Line(rules, $"-A {Output} -p tcp --dport {port} -j RETURN");
        }

        Line(rules, $"-A {Output} -p tcp -j {Redirect}");

        Line(rules, $"-I PREROUTING 1 -p tcp -j {Inbound}");
        Line(rules, $"-I OUTPUT 1 -p tcp -j {Output}");
        return rules.Append("COMMIT\n").ToString();
    }

    /// <summary>Takes away what <paramref name="saved"/> has of the rules; empty: it has none.</summary>
    public static string Remove(string saved)
    {
        var present = ChainsIn(saved);
        if (present.Count == 0)
        {
            return "";
        }

        var rules = new StringBuilder("*nat\n");
        RemoveJumps(rules, saved);
        foreach (var command in (string[])["-F", "-X"])
        {
            foreach (var chain in present)
            {
                Line(rules, $"{command} {chain}");
            }
        }

        return rules.Append("COMMIT\n").ToString();
    }

    private static void RemoveJumps(StringBuilder rules, string saved)
    {
        foreach (var line in Lines(saved).Where(IsJump))
        {
            Line(rules, $"-D {line["-A ".Length..]}");
        }
    }

    // From a chain that is not ours into one that is: it stands before our own chain can be deleted, whoever wrote it.
    private static bool IsJump(string line) =>
        line.Split(' ') is ["-A", var from, .., "-j", var to] && Chains.Contains(to, StringComparer.Ordinal) && !Chains.Contains(from, StringComparer.Ordinal);

    private static List<string> ChainsIn(string saved) =>
        [.. Chains.Where(chain => Lines(saved).Any(line => line.StartsWith($":{chain} ", StringComparison.Ordinal)))];

    private static string[] Lines(string saved) => saved.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IEnumerable<int> Ports(IEnumerable<int> ports) => ports.Distinct().Order();

    private static void Line(StringBuilder rules, FormattableString line) => rules.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
