using System.Text;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Latin-1 for the value of <c>Content-Length</c>, worded so that Kestrel refuses what is not digits alone (RFC 9110 §8.6):
/// it would take <c>+4</c> for 4, and the message behind a proxy that does not for two. Stateless.
/// </summary>
internal sealed class ContentLengthEncoding : Encoding
{
    /// <summary>The longest a 63-bit length can be.</summary>
    private const int MaxDigits = 19;

    /// <summary>The one there is.</summary>
    public static ContentLengthEncoding Instance { get; } = new();

    /// <inheritdoc/>
    public override int GetCharCount(byte[] bytes, int index, int count) => IsLength(bytes.AsSpan(index, count)) ? count : 1;

    /// <inheritdoc/>
    public override unsafe int GetCharCount(byte* bytes, int count) => IsLength(new ReadOnlySpan<byte>(bytes, count)) ? count : 1;

    /// <inheritdoc/>
    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        Decode(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    /// <inheritdoc/>
    public override unsafe int GetChars(byte* bytes, int byteCount, char* chars, int charCount) =>
        Decode(new ReadOnlySpan<byte>(bytes, byteCount), new Span<char>(chars, charCount));

    /// <inheritdoc/>
    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    /// <inheritdoc/>
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    /// <inheritdoc/>
    public override int GetMaxByteCount(int charCount) => charCount;

    /// <inheritdoc/>
    public override int GetMaxCharCount(int byteCount) => Math.Max(1, byteCount);

    private static bool IsLength(ReadOnlySpan<byte> bytes) => bytes.Length is > 0 and <= MaxDigits && !bytes.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    private static int Decode(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        if (IsLength(bytes))
        {
            return Latin1.GetChars(bytes, chars);
        }

        chars[0] = '?';
        return 1;
    }
}
