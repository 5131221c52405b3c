namespace MeshLite.Sidecar.Resilience.RateLimit;

/// <summary>
/// A caller's identity, whole or by its beginning (<c>spiffe://cluster.local/ns/shop/*</c>) or end (<c>*/sa/orders</c>);
/// <c>*</c> alone is everyone, those without identity too. Compared byte for byte: a SPIFFE ID has one spelling. Immutable.
/// </summary>
internal readonly record struct PrincipalPattern(string Text)
{
    /// <summary>Whether it takes in a caller; null: one without identity.</summary>
    public bool Matches(string? identity)
    {
        if (string.Equals(Text, "*", StringComparison.Ordinal))
        {
            return true;
        }

        if (identity is null)
        {
            return false;
        }

        var text = Text.AsSpan();
        return text switch
        {
            [.. var beginning, '*'] => identity.AsSpan().StartsWith(beginning, StringComparison.Ordinal),
            ['*', .. var end] => identity.AsSpan().EndsWith(end, StringComparison.Ordinal),
            _ => text.SequenceEqual(identity),
        };
    }
}
