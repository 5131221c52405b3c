namespace MeshLite.Sidecar.Capture;

/// <summary>Whether this pod has IPv6, by <c>/proc/net/if_inet6</c>: one line an address, its scope in the fourth column. Pure but for reading.</summary>
internal enum Ipv6
{
    /// <summary>The kernel has none, or no interface has.</summary>
    Absent,

    /// <summary>Loopback and link-local addresses only: nobody is called that way.</summary>
    LocalOnly,

    /// <summary>Others can be called.</summary>
    Present,
}

/// <inheritdoc cref="Ipv6"/>
internal static class Ipv6Addresses
{
    private const string Loopback = "10";
    private const string Link = "20";

    /// <summary>Looks.</summary>
    public static Ipv6 Look()
    {
        try
        {
            return Read(File.ReadLines("/proc/net/if_inet6"));
        }
        catch (IOException)
        {
            return Ipv6.Absent;
        }
    }

    /// <summary>Reads the file's lines.</summary>
    public static Ipv6 Read(IEnumerable<string> lines)
    {
        var scopes = lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(fields => fields.Length >= 4).Select(fields => fields[3]).ToList();
        return scopes.Count == 0 ? Ipv6.Absent : scopes.TrueForAll(scope => scope is Loopback or Link) ? Ipv6.LocalOnly : Ipv6.Present;
    }
}
