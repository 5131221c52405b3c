using System.Text;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Latin-1 for the values of the <c>Connection</c> field, worded so that Kestrel keeps the field names in them. Where
/// exactly one of <c>keep-alive</c>, <c>close</c> and <c>Upgrade</c> stands in the field, Kestrel replaces its value by
/// that word (<c>HttpHeaders.ParseConnection</c>), and whoever forwards the request no longer knows which fields were
/// meant for this hop alone (RFC 9110 §7.6.1). So, beside other words, <c>keep-alive</c> is left out (it is the default) and
/// added where <c>close</c> or <c>Upgrade</c> stands, which both win over it. A word alone stays as it is. Stateless.
/// </summary>
internal sealed class ConnectionFieldEncoding : Encoding
{
    private const string KeepAlive = "keep-alive";

    /// <summary>The one there is.</summary>
    public static ConnectionFieldEncoding Instance { get; } = new();

    /// <inheritdoc/>
    public override int GetCharCount(byte[] bytes, int index, int count) => Decode(bytes.AsSpan(index, count)).Length;

    /// <inheritdoc/>
    public override unsafe int GetCharCount(byte* bytes, int count) => Decode(new ReadOnlySpan<byte>(bytes, count)).Length;

    /// <inheritdoc/>
    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        Copy(Decode(bytes.AsSpan(byteIndex, byteCount)), chars.AsSpan(charIndex));

    /// <inheritdoc/>
    public override unsafe int GetChars(byte* bytes, int byteCount, char* chars, int charCount) =>
        Copy(Decode(new ReadOnlySpan<byte>(bytes, byteCount)), new Span<char>(chars, charCount));

    /// <inheritdoc/>
    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    /// <inheritdoc/>
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    /// <inheritdoc/>
    public override int GetMaxByteCount(int charCount) => charCount;

    /// <inheritdoc/>
    public override int GetMaxCharCount(int byteCount) => byteCount + KeepAlive.Length + 2;

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        var value = Latin1.GetString(bytes);
        if (!value.Contains(','))
        {
            return value;
        }

        var words = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var others = string.Join(", ", words.Where(word => !word.Equals(KeepAlive, StringComparison.OrdinalIgnoreCase)));
        var wins = words.Any(word => word.Equals("close", StringComparison.OrdinalIgnoreCase) || word.Equals("upgrade", StringComparison.OrdinalIgnoreCase));
        return wins ? $"{others}, {KeepAlive}" : others;
    }

    private static int Copy(string text, Span<char> chars)
    {
        text.CopyTo(chars);
        return text.Length;
    }
}
