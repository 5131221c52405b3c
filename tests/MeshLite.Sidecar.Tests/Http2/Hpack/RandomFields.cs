using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>Lists of header fields such as programs send, and such as they do not.</summary>
internal static class RandomFields
{
    private const string TokenLetters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly string[] Names =
        [.. Enumerable.Range(1, StaticTable.Count).Select(i => StaticTable.At(i).Name), "grpc-status", "x-request-id", "meshlite-error", "x-a", "x-b", "X-Upper", "Content-Type", "COOKIE"];

    private static readonly string[] Values =
        [.. Enumerable.Range(1, StaticTable.Count).Select(i => StaticTable.At(i).Value), "text/plain", "0", "17", "017", "999", "1000", "100", "599", "-1", " 1", "trailers"];

    /// <summary>A seed for each case.</summary>
    public static Arbitrary<int> Seeds { get; } = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    /// <summary>Names are tokens or pseudo-fields; values hold any Latin-1 letters but <paramref name="without"/>.</summary>
    public static List<(string Name, string Value)> Of(Random random, string without) =>
        [.. Enumerable.Range(0, random.Next(12)).Select(_ => (Name(random), Value(random, without)))];

    public static string Value(Random random, string without)
    {
        if (random.Next(2) == 0)
        {
            return Values[random.Next(Values.Length)];
        }

        // Whole strings, and such as are nearly as large as the table, or larger.
        var length = random.Next(20) switch { 0 => random.Next(6000), < 4 => random.Next(300), _ => random.Next(20) };
        return string.Create(length, (random, without, Top: random.Next(2) == 0 ? 127 : 256), static (into, given) =>
        {
            foreach (ref var letter in into)
            {
                do
                {
                    letter = (char)given.random.Next(given.Top);
                }
                while (given.without.Contains(letter));
            }
        });
    }

    /// <summary>A name that nobody has given.</summary>
    public static string Token(Random random) => new(random.GetItems(TokenLetters.AsSpan(), random.Next(1, random.Next(20) == 0 ? 300 : 20)));

    private static string Name(Random random) => random.Next(4) != 0 ? Names[random.Next(Names.Length)] : Token(random);
}
