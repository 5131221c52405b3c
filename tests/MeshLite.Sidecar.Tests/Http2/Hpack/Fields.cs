using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>Keeps what a block has.</summary>
internal readonly struct Fields() : IFieldSink
{
    public List<(string Name, string Value)> List { get; } = [];

    public void OnField(string name, string value) => List.Add((name, value));

    public static List<(string Name, string Value)> Of(HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        var fields = new Fields();
        decoder.Decode(block, ref fields);
        return fields.List;
    }

    /// <summary>"name: value" of each.</summary>
    public static string[] Lines(IEnumerable<(string Name, string Value)> fields) => [.. fields.Select(f => $"{f.Name}: {f.Value}")];

    /// <summary>What <see cref="HpackEncoder"/> makes of them.</summary>
    public static byte[] Encoded(params IEnumerable<(string Name, string Value)> fields)
    {
        var bytes = new List<byte>();
        foreach (var (name, value) in fields)
        {
            var into = new byte[HpackEncoder.MaxLength(name, value)];
            bytes.AddRange(into.AsSpan(0, HpackEncoder.Write(into, name, value)));
        }

        return [.. bytes];
    }
}
