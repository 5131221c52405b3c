using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Tests.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http1;

public sealed class Http1PropertyTests
{
    private const string ChunkLetters = "0000123456789abcdefABCDEF;;; \t\r\n\r\n\r\n:x";
    private static readonly string NotInText = string.Concat(Enumerable.Range(0, 32).Except([9]).Append(127).Select(c => (char)c));
    private static readonly string[] Framing = ["connection", "content-length", "transfer-encoding"];

    [Fact]
    public void ChunkReader_HoweverABodyComes_GivesTheSame() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var (body, data, trailers) = ChunkedBody(random);
        const string Next = "HTTP/1.1 200 OK\r\n";
        body = [.. body, .. Encoding.ASCII.GetBytes(Next)];
        var chunks = new Chunks();
        for (var at = 0; at < body.Length;)
        {
            var piece = Math.Min(body.Length - at, random.Next(3) == 0 ? random.Next(1, 200) : random.Next(1, 4));
            chunks.Come(body.AsMemory(at, piece));
            at += piece;
        }

        chunks.IsAtEnd.ShouldBeTrue();
        chunks.Data.ShouldBe(data);
        chunks.Trailers.ShouldBe(trailers, ignoreOrder: true);
        Encoding.ASCII.GetString(chunks.Rest.Span).ShouldBe(Next);
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(300));

    /// <summary>Never more data than there was, and what is read is read again from its plainest form.</summary>
    [Fact]
    public void ChunkReader_AnyBytes_GivesWhatThereWas() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var bytes = random.Next(2) == 0 ? Encoding.ASCII.GetBytes(random.GetItems(ChunkLetters.AsSpan(), random.Next(60))) : Damaged(ChunkedBody(random).Body, random);
        var chunks = new Chunks();
        try
        {
            chunks.Come(bytes);
        }
        catch (HttpRequestException)
        {
            return;
        }

        (chunks.Data.Length + chunks.Rest.Length).ShouldBeLessThanOrEqualTo(bytes.Length);
        if (chunks.IsAtEnd)
        {
            var again = new Chunks();
            again.Come(Chunks.Encode(chunks.Data, chunks.Trailers));
            again.IsAtEnd.ShouldBeTrue();
            again.Rest.IsEmpty.ShouldBeTrue();
            again.Data.ShouldBe(chunks.Data);
            again.Trailers.ShouldBe(chunks.Trailers);
        }
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2_000));

    /// <summary>Whatever the RFC lets a server write it as.</summary>
    [Fact]
    public void Response_AnyFields_AreThoseThatWereWritten() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var fields = Fields(random);
        var head = $"HTTP/1.1 200 OK{End(random)}{string.Concat(fields.Select(f => Line(f, random)))}{End(random)}";

        Heads.FieldsOf(Heads.Parse(head).Response!).ShouldBe(LowerCase(fields), ignoreOrder: true);
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Request_AnyFields_AreReadAgain() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var fields = Fields(new Random(seed));
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/") { Headers = { Host = "example.test" } };
        foreach (var (name, value) in fields)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }

        var head = Heads.Written(request, out _).Replace("GET / HTTP/1.1", "HTTP/1.1 200 OK", StringComparison.Ordinal);

        Heads.FieldsOf(Heads.Parse(head).Response!).ShouldBe(LowerCase([("host", "example.test"), .. fields]), ignoreOrder: true);
    }).QuickCheckThrowOnFailure();

    private static (byte[] Body, byte[] Data, List<(string Name, string Value)> Trailers) ChunkedBody(Random random)
    {
        var body = new List<byte>();
        var data = new List<byte>();
        for (var count = random.Next(5); count > 0; count--)
        {
            var chunk = new byte[random.Next(10) == 0 ? random.Next(1, 5_000) : random.Next(1, 40)];
            random.NextBytes(chunk);
            data.AddRange(chunk);
            body.AddRange([.. Size(chunk.Length, random), .. chunk, .. "\r\n"u8]);
        }

        var trailers = random.Next(2) == 0 ? [] : Fields(random);
        body.AddRange([.. Size(0, random), .. Encoding.Latin1.GetBytes(string.Concat(trailers.Select(t => Line(t, random))) + End(random))]);
        return ([.. body], [.. data], LowerCase(trailers));
    }

    private static byte[] Size(int size, Random random)
    {
        var digits = size.ToString(random.Next(2) == 0 ? "x" : "X", null).PadLeft(random.Next(12), '0');
        var extension = random.Next(3) == 0 ? " ;" + RandomFields.Value(random, without: "\r\n") : "";
        return Encoding.Latin1.GetBytes($"{digits}{(extension.Length > 4_000 ? "" : extension)}\r\n");
    }

    private static byte[] Damaged(byte[] bytes, Random random)
    {
        for (var times = random.Next(3); times > 0; times--)
        {
            bytes[random.Next(bytes.Length)] = (byte)ChunkLetters[random.Next(ChunkLetters.Length)];
        }

        return bytes;
    }

    private static List<(string Name, string Value)> Fields(Random random) =>
        [.. Enumerable.Range(0, random.Next(12)).Select(_ => (Name(random), RandomFields.Value(random, NotInText).Trim(' ', '\t'))).Where(f => !Framing.Contains(f.Item1, StringComparer.OrdinalIgnoreCase))];

    // Some more than once, and some that System.Net.Http knows.
    private static string Name(Random random) => random.Next(4) switch { 0 => "x-a", 1 => "X-A", 2 => "Via", _ => "x-" + RandomFields.Token(random) };

    private static string End(Random random) => random.Next(3) == 0 ? "\n" : "\r\n";

    private static string Blanks(Random random) => random.Next(3) switch { 0 => "", 1 => " ", _ => " \t" };

    /// <summary>A field as a line, or several where it is folded at a blank.</summary>
    private static string Line((string Name, string Value) field, Random random)
    {
        var value = new StringBuilder();
        for (var i = 0; i < field.Value.Length; i++)
        {
            var isAlone = field.Value[i] == ' ' && field.Value[i - 1] is not (' ' or '\t') && field.Value[i + 1] is not (' ' or '\t');
            value.Append(isAlone && random.Next(2) == 0 ? Blanks(random) + End(random) + " " + Blanks(random) : field.Value[i].ToString());
        }

        return $"{field.Name}{Blanks(random)}:{Blanks(random)}{value}{Blanks(random)}{End(random)}";
    }

    private static List<(string Name, string Value)> LowerCase(IEnumerable<(string Name, string Value)> fields) => [.. fields.Select(f => (f.Name.ToLowerInvariant(), f.Value))];
}
