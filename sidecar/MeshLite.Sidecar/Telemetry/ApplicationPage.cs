using System.Text;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// A page of metrics as the application wrote it, ready to follow ours: the names it uses, and its lines without blank ones and without the end
/// marker. Reads no more of the format (https://prometheus.io/docs/instrumenting/exposition_formats/) than that takes. Immutable.
/// </summary>
internal sealed class ApplicationPage
{
    // Longer than any of ours, so that what is longer collides with none.
    private const int MaxName = 256;

    private static ReadOnlySpan<byte> End => "# EOF"u8;

    private ApplicationPage(ExpositionFormat format, ReadOnlyMemory<byte> body, HashSet<string> names)
    {
        Format = format;
        Body = body;
        Names = names;
    }

    /// <summary>What it is written in.</summary>
    public ExpositionFormat Format { get; }

    /// <summary>The lines, each ended.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Names of its families and samples.</summary>
    public IReadOnlySet<string> Names { get; }

    /// <summary>Reads a page; null: some line is neither a comment nor a sample.</summary>
    public static ApplicationPage? Read(ExpositionFormat format, ReadOnlySpan<byte> page)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var lookup = names.GetAlternateLookup<ReadOnlySpan<char>>();
        var body = new byte[page.Length + 1];
        var length = 0;
        Span<char> text = stackalloc char[MaxName];
        foreach (var range in page.Split((byte)'\n'))
        {
            var line = page[range].TrimEnd((byte)'\r');
            if (line.IsEmpty || line.SequenceEqual(End))
            {
                continue;
            }

            var name = NameOf(line, out var isComment);
            if (name.IsEmpty && !isComment)
            {
                return null;
            }

            if (!name.IsEmpty && name.Length <= MaxName)
            {
                Encoding.Latin1.GetChars(name, text);
                lookup.Add(text[..name.Length]);
            }

            line.CopyTo(body.AsSpan(length));
            length += line.Length;
            body[length++] = (byte)'\n';
        }

        return new ApplicationPage(format, body.AsMemory(0, length), names);
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> line, out bool isComment)
    {
        isComment = line[0] == (byte)'#';
        if (isComment)
        {
            foreach (var keyword in (ReadOnlySpan<string>)["# TYPE ", "# HELP ", "# UNIT "])
            {
                if (line.Length > keyword.Length && Ascii.Equals(line[..keyword.Length], keyword))
                {
                    return UpTo(line[keyword.Length..]);
                }
            }

            return default;
        }

        // name{labels} value, or {"name", labels} value for names beyond ASCII.
        if (line is [(byte)'{', (byte)'"', ..])
        {
            var quoted = line[2..];
            var end = quoted.IndexOf((byte)'"');
            return end < 0 ? default : quoted[..end];
        }

        var name = UpTo(line);
        return name.Length < line.Length && name is [var first, ..] && (char.IsAsciiLetter((char)first) || first is (byte)'_' or (byte)':') ? name : default;
    }

    private static ReadOnlySpan<byte> UpTo(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAny("{ \t"u8);
        return end < 0 ? text : text[..end];
    }
}
