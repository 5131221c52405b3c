using System.Collections.Immutable;

namespace MeshLite.Model;

/// <summary>Calls to what is not in the mesh; part of resource <c>mesh</c>. Immutable.</summary>
public sealed record EgressConfig
{
    /// <summary>What holds for what <see cref="Allow"/> does not list. <value>Default <see cref="EgressMode.Allow"/>.</value></summary>
    public EgressMode Mode { get; init; }

    /// <summary>Host names, lower case (<c>example.com</c>; <c>*.example.com</c> is all below it), addresses, networks (CIDR).</summary>
    public ImmutableArray<string> Allow { get; init; } = [];
}

/// <summary>Whether what is not listed may be called.</summary>
public enum EgressMode
{
    /// <summary>It may.</summary>
    Allow,

    /// <summary>It may not.</summary>
    Deny,
}
