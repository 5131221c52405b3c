namespace MeshLite.Cli.Inject;

/// <summary>A stream of YAML documents as text. Pure.</summary>
internal static class YamlText
{
    /// <summary>
    /// The documents, each with the marker line before it: put together again they are the text. A line that begins with <c>---</c> and then ends, or goes on after a space,
    /// is a marker wherever it stands (YAML 1.2.2 §9.1.2); what follows on that line belongs to the document.
    /// </summary>
    public static IEnumerable<(string Separator, string Document)> Split(string text)
    {
        var separator = "";
        var start = 0;
        for (var line = 0; line < text.Length;)
        {
            var end = text.IndexOf('\n', line) is >= 0 and var newline ? newline + 1 : text.Length;
            if (IsMarker(text.AsSpan(line, end - line), out var isBare))
            {
                if (line > start || separator.Length > 0)
                {
                    yield return (separator, text[start..line]);
                }

                separator = isBare ? text[line..end] : text[line..(line + 4)];
                start = isBare ? end : line + 4;
            }

            line = end;
        }

        yield return (separator, text[start..]);
    }

    // Bare: nothing but a comment follows.
    private static bool IsMarker(ReadOnlySpan<char> line, out bool isBare)
    {
        var rest = line.StartsWith("---") ? line[3..].TrimEnd("\r\n") : default;
        isBare = rest.Trim().IsEmpty || rest.TrimStart().StartsWith("#");
        return line.StartsWith("---") && (rest.IsEmpty || rest[0] is ' ' or '\t');
    }
}
