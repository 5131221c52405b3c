namespace MeshLite.Sidecar.Routing;

/// <summary>
/// A normalised authority: what destinations are subscribed and looked up by. Equal authorities have equal keys.
/// Made by <see cref="AuthorityNormalizer"/> only. Immutable.
/// </summary>
internal readonly struct HostKey : IEquatable<HostKey>
{
    private readonly int _hostLength;

    internal HostKey(string authority, int hostLength, int port)
    {
        Authority = authority;
        _hostLength = hostLength;
        Port = port;
    }

    /// <summary>Host and, if one was written, port: <c>orders.shop:80</c>, <c>[::1]:80</c>.</summary>
    public string Authority { get; }

    /// <summary>Without port; IPv6 literals keep their brackets.</summary>
    public ReadOnlySpan<char> Host => Authority.AsSpan(0, _hostLength);

    /// <summary>0 where none was written.</summary>
    public int Port { get; }

    /// <inheritdoc/>
    public bool Equals(HostKey other) => Authority == other.Authority;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is HostKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Authority?.GetHashCode(StringComparison.Ordinal) ?? 0;

    /// <inheritdoc/>
    public override string ToString() => Authority;
}
