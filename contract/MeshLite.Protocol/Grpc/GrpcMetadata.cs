using System.Buffers;
using System.Collections;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// Names and values beside the messages of a call (Custom-Metadata of PROTOCOL-HTTP2.md). Names are lower case;
/// values are printable ASCII, or, where the name ends in <c>-bin</c>, bytes, which travel as unpadded base64.
/// Not thread-safe.
/// </summary>
public sealed class GrpcMetadata : IEnumerable<KeyValuePair<string, string>>
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyz_-.");
    private readonly List<KeyValuePair<string, string>> _entries = [];

    /// <summary>Number of entries.</summary>
    public int Count => _entries.Count;

    /// <summary>Adds a text value. <exception cref="ArgumentException">The protocol cannot carry the name or the value.</exception></summary>
    public void Add(string name, string value)
    {
        CheckName(name);
        if (name.EndsWith("-bin", StringComparison.Ordinal) || value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ArgumentException($"'{name}': text values are printable ASCII, under names that do not end in -bin", nameof(value));
        }

        _entries.Add(new(name, value));
    }

    /// <summary>Adds bytes; the name ends in <c>-bin</c>.</summary>
    public void Add(string name, ReadOnlySpan<byte> value)
    {
        CheckName(name);
        if (!name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}': binary values need a name that ends in -bin", nameof(name));
        }

        _entries.Add(new(name, Convert.ToBase64String(value).TrimEnd('=')));
    }

    /// <summary>The first value of that name as it travels (bytes: base64).</summary>
    public string? Get(string name) => _entries.FirstOrDefault(e => e.Key == name).Value;

    /// <summary>The first value of a <c>-bin</c> name; null where absent or not base64.</summary>
    public byte[]? GetBytes(string name) => DecodeBytes(Get(name));

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Base64 with or without padding; of several values joined by commas, the first.</summary>
    internal static byte[]? DecodeBytes(string? value)
    {
        if (value is null)
        {
            return null;
        }

        var first = value.Split(',')[0].Trim();
        var padded = first.PadRight((first.Length + 3) / 4 * 4, '=');
        var bytes = new byte[padded.Length / 4 * 3];
        return Convert.TryFromBase64String(padded, bytes, out var length) ? bytes[..length] : null;
    }

    /// <summary>Whether a received header is metadata of the application, not of the transport.</summary>
    internal static bool IsCustom(string name) =>
        !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase) && !name.StartsWith(':')
        && !name.Equals("content-type", StringComparison.OrdinalIgnoreCase) && !name.Equals("te", StringComparison.OrdinalIgnoreCase);

    /// <summary>Takes a received entry over as it is.</summary>
    internal void AddReceived(string name, string value) => _entries.Add(new(name.ToLowerInvariant(), value));

    private static void CheckName(string name)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameCharacters) || !IsCustom(name))
        {
            throw new ArgumentException($"'{name}' is no metadata name (0-9 a-z _ - . and not grpc-*, content-type, te)", nameof(name));
        }
    }
}
