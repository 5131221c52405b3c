using System.Text;

namespace MeshLite.Sidecar.Http1;

/// <summary>A header field as text.</summary>
internal sealed record Field(string Name, string Value);

/// <summary>
/// The fields of a server's last response, by their place in it: servers say the same in the same order, and text that is there need not be made again. Nothing but
/// a saving: whatever is remembered, the text is that of the bytes. Thread-safe.
/// </summary>
internal sealed class FieldStrings
{
    private const int Places = 24;
    private const int LongestValue = 64;

    private readonly Field?[] _last = new Field?[Places];

    /// <summary>The field at this place of a head; bytes beyond ASCII are Latin-1.</summary>
    public Field Get(int place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var last = place < Places ? Volatile.Read(ref _last[place]) : null;
        var sameName = last is not null && Ascii.Equals(name, last.Name);
        if (sameName && Ascii.Equals(value, last!.Value))
        {
            return last;
        }

        var field = new Field(sameName ? last!.Name : Encoding.Latin1.GetString(name), Encoding.Latin1.GetString(value));
        if (place < Places && value.Length <= LongestValue && !field.Name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase))
        {
            Volatile.Write(ref _last[place], field);
        }

        return field;
    }
}
