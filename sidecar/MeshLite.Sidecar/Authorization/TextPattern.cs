namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// A text of a rule: whole, by its beginning (<c>/items/*</c>) or end (<c>*.json</c>), or <c>*</c>, which takes in every text there
/// is, but not its absence. Immutable.
/// </summary>
internal readonly record struct TextPattern
{
    private readonly string _fixed;
    private readonly Kind _kind;

    /// <summary>Reads one.</summary>
    public TextPattern(string text)
    {
        (_kind, _fixed) = text switch
        {
            "*" => (Kind.Any, ""),
            [.. var beginning, '*'] => (Kind.Beginning, beginning),
            ['*', .. var end] => (Kind.End, end),
            _ => (Kind.Whole, text),
        };
    }

    private enum Kind
    {
        Whole,
        Beginning,
        End,
        Any,
    }

    /// <summary>Whether it is <c>*</c>.</summary>
    public bool IsAny => _kind == Kind.Any;

    /// <summary>The same with its fixed part changed.</summary>
    public TextPattern With(Func<string, string> change) => new(_kind switch
    {
        Kind.Any => "*",
        Kind.Beginning => change(_fixed) + "*",
        Kind.End => "*" + change(_fixed),
        _ => change(_fixed),
    });

    /// <summary>To the letter.</summary>
    public bool Matches(ReadOnlySpan<char> text) => _kind switch
    {
        Kind.Whole => text.SequenceEqual(_fixed),
        Kind.Beginning => text.StartsWith(_fixed, StringComparison.Ordinal),
        Kind.End => text.EndsWith(_fixed, StringComparison.Ordinal),
        _ => true,
    };

    /// <summary>
    /// As a path that a server might take for one that matches: without regard to case and to one slash at the end of either. Whatever
    /// <see cref="Matches"/> takes in, this does too.
    /// </summary>
    public bool MayMatchPath(ReadOnlySpan<char> path)
    {
        if (_kind == Kind.Any)
        {
            return true;
        }

        var bare = WithoutSlash(path);
        var own = WithoutSlash(_fixed);
        return _kind switch
        {
            Kind.Whole => bare.Equals(own, StringComparison.OrdinalIgnoreCase),
            Kind.Beginning => path.StartsWith(_fixed, StringComparison.OrdinalIgnoreCase) || bare.Equals(own, StringComparison.OrdinalIgnoreCase),
            _ => path.EndsWith(_fixed, StringComparison.OrdinalIgnoreCase) || bare.EndsWith(own, StringComparison.OrdinalIgnoreCase),
        };
    }

    private static ReadOnlySpan<char> WithoutSlash(ReadOnlySpan<char> text) => text.EndsWith('/') ? text[..^1] : text;
}
