using System.Collections.Immutable;
using System.Globalization;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>Values to write into any field: what some field takes and another does not, lengths and numbers around every bound there is.</summary>
internal static class SampleValues
{
    private static readonly string[] Texts =
    [
        "", "a", "A", "0", "a-b", "-a", "a-", "a.b", "a..b", ".a", "a.", "a_b", "a/b", "a b", " a", "a ", "a\tb", "a\n", "a\u0001b", "é", "a:b", "x!#$%&'*+.^_|~`", "(", "a(b",
        "/", "/a", "/a/", "//", "/a//b", "/./a", "/a/.", "/a/..", "/a/../b", "/a/...", "/a%2Fb", "/a%2fb", "/a%20b", "/a%zz", "/a%2", "/a?b", "/a#b", "/a b", "/é", "/a;b=c,d:e@f!$&'()*+", "/a[b]",
        "host", "Host", "Content-Length", "meshlite-x", "Meshlite-X", "x-user",
        "1.2.3.4", "1.2.3.4.5", "300.1.1.1", "::1", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "fd00::/8", "fd00::/129", "example.com", "Example.com", "*.example.com", "example.com:80",
        "*", "**", "*x", "x*", "a*b", "*/sa/c", "spiffe://*", "spiffe://a/*", "spiffe://A/*", "SPIFFE://a/*", "spiffe://a/ns/b/sa/c", "spiffe://a/ns/b/sa/", "spiffe://a/ns/b", "spiffe://a/ns/B/sa/c", "*spiffe://a/*",
        "application/json", "text/plain; charset=utf-8", "text", "text/", "/plain", "a/b/c", "text/plain; q",
        "http://c:4317", "https://c", "http://c:4317/", "HTTP://c", "http://c/x", "http://u@c", "ftp://c", "http://c?x", "http://c#x", "http://", "http://[::1]:4317", "c:4317",
        "GET", "get", "Get", "X-GET", "[a-z]+", "(?=a)x", @"(a)\1", "1s", "1.5s", "1", "true", "200", "UNAVAILABLE", "Unavailable", "OK", "Exact", "Prefix", "Service", "Grpc", "Strict", "strict", "https",
        new string('a', 5) + "." + new string('a', 63), new string('a', 5) + "." + new string('a', 64),
        string.Join('.', Enumerable.Repeat(new string('a', 62), 4)), string.Join('.', Enumerable.Repeat(new string('a', 62), 4)) + ".a", string.Join('.', Enumerable.Repeat(new string('a', 62), 4)) + ".aa",
    ];

    private static readonly int[] Lengths = [62, 63, 64, 65, 252, 253, 254, 255, 256, 257, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 16383, 16384, 16385];

    private static readonly int[] Numbers = [-1, 0, 1, 2, 10, 11, 16, 17, 100, 101, 199, 200, 301, 304, 399, 400, 499, 500, 599, 600, 1000, 1001, 10_000, 10_001, 65_535, 65_536, 1_000_000, 1_000_001];

    private const int AFew = 5;

    private static readonly ImmutableArray<ScalarNode> All =
    [
        .. Texts.Select(ReaderProbe.Text),
        .. Lengths.Select(n => ReaderProbe.Text(new string('a', n))),
        .. Lengths.Select(n => ReaderProbe.Text("/" + new string('a', n - 1))),
        .. Lengths.Select(n => ReaderProbe.Text(new string('A', n))),
        .. Lengths.Select(n => ReaderProbe.Text("*" + new string('a', n - 1))),
        .. Numbers.Select(n => ReaderProbe.Integer(n.ToString(CultureInfo.InvariantCulture))),
        new(1, ScalarKind.Number, "0.5"), new(1, ScalarKind.Number, "-0.5"), new(1, ScalarKind.Number, "99.5"), new(1, ScalarKind.Boolean, "true"), new(1, ScalarKind.Boolean, "false"),
    ];

    /// <summary>All that tell something of such a field: of texts a number refuses one as well as the other, and names are not told apart by length.</summary>
    public static IEnumerable<ScalarNode> For(Schema schema) =>
        schema.Type is "integer" or "number" ? All.Where(v => v.Kind != ScalarKind.Text || All.IndexOf(v) < AFew)
        : schema.Enum.IsEmpty ? All
        : All.Where(v => v.Kind != ScalarKind.Text || v.Text.Length < Lengths[0]);
}
