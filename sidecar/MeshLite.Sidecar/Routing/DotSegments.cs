namespace MeshLite.Sidecar.Routing;

/// <summary>Removes <c>.</c> and <c>..</c> from a path (RFC 3986 §5.2.4), in place. Stateless, allocates nothing.</summary>
internal static class DotSegments
{
    /// <summary>Returns the new length, at least 1; names what was odd about the segments.</summary>
    public static int Remove(Span<char> path, ref PathAmbiguity ambiguity)
    {
        var written = 0;
        var start = 0;
        while (start < path.Length)
        {
            // Each round takes one "/segment" (a path that begins otherwise: its first segment without slash).
            var slash = path[start] == '/' ? 1 : 0;
            var next = path[(start + slash)..].IndexOf('/');
            var end = next < 0 ? path.Length : start + slash + next;
            var segment = path[(start + slash)..end];
            var isLast = end == path.Length;

            if (segment is "." or "..")
            {
                ambiguity |= PathAmbiguity.DotSegment;
                if (segment.Length == 2)
                {
                    written = Math.Max(path[..written].LastIndexOf('/'), 0);
                }

                // A dot segment at the end names a directory: its slash stays.
                if (isLast)
                {
                    path[written++] = '/';
                }
            }
            else
            {
                if (segment.IsEmpty && !isLast)
                {
                    ambiguity |= PathAmbiguity.EmptySegment;
                }
                else if (IsDotsWithParameter(segment))
                {
                    ambiguity |= PathAmbiguity.DotSegment;
                }

                path[start..end].CopyTo(path[written..]);
                written += end - start;
            }

            start = end;
        }

        return written;
    }

    // Encoded, the semicolon is no delimiter to a careful server; not all are.
    private static bool IsDotsWithParameter(ReadOnlySpan<char> segment)
    {
        var dots = segment.StartsWith("..") ? 2 : segment.StartsWith('.') ? 1 : 0;
        return dots > 0 && (segment[dots..].StartsWith(';') || segment[dots..].StartsWith("%3B", StringComparison.Ordinal));
    }
}
