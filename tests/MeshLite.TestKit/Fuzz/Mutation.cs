using System.Globalization;
using System.Text;

namespace MeshLite.TestKit.Fuzz;

/// <summary>What becomes of a seed: one to eight of the changes by which parsers are known to be surprised. Pure, but for the random source.</summary>
internal static class Mutation
{
    /// <value>Bytes. Inputs grow no longer, so that runs take no longer.</value>
    private const int MaxLength = 64 * 1024;

    private static readonly byte[] OddBytes = [0, 1, 9, 10, 13, 32, 34, 37, 44, 45, 46, 47, 58, 59, 91, 92, 93, 123, 125, 127, 128, 192, 194, 224, 237, 240, 254, 255];

    private static readonly string[] OddNumbers =
    [
        "0", "-0", "-1", "1", "127", "128", "255", "256", "32768", "65535", "65536", "99999", "2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "1e999", "0.1", "00", "999999999999999999999999999999",
    ];

    /// <summary>One of the seeds, changed.</summary>
    public static byte[] Of(byte[][] seeds, byte[][] words, Random random)
    {
        var bytes = new List<byte>(seeds[random.Next(seeds.Length)]);
        for (var changes = 1 + random.Next(8); changes > 0; changes--)
        {
            Change(bytes, seeds, words, random);
            if (bytes.Count > MaxLength)
            {
                bytes.RemoveRange(MaxLength, bytes.Count - MaxLength);
            }
        }

        return [.. bytes];
    }

    private static void Change(List<byte> bytes, byte[][] seeds, byte[][] words, Random random)
    {
        var at = random.Next(bytes.Count + 1);
        switch (random.Next(11))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = OddBytes[random.Next(OddBytes.Length)];
                break;
            case 2:
                bytes.Insert(at, OddBytes[random.Next(OddBytes.Length)]);
                break;
            case 3:
                bytes.RemoveRange(at, random.Next(Math.Min(16, bytes.Count - at) + 1));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5: // a piece once more, there or elsewhere, once or often
                var from = random.Next(bytes.Count + 1);
                var piece = bytes.GetRange(from, random.Next(Math.Min(64, bytes.Count - from) + 1));
                for (var times = random.Next(10) == 0 ? random.Next(200) : 1; times > 0; times--)
                {
                    bytes.InsertRange(at, piece);
                }

                break;
            case 6: // the rest of another
                var other = seeds[random.Next(seeds.Length)];
                bytes.RemoveRange(at, bytes.Count - at);
                bytes.AddRange(other[random.Next(other.Length + 1)..]);
                break;
            case 7:
                ReplaceNumber(bytes, at, random);
                break;
            case 8 when words.Length > 0:
                bytes.InsertRange(at, words[random.Next(words.Length)]);
                break;
            case 9 when words.Length > 0: // deep
                var word = words[random.Next(words.Length)];
                bytes.InsertRange(at, Enumerable.Repeat(word, 1 + random.Next(200)).SelectMany(w => w));
                break;
            case 10 when at < bytes.Count - 1: // a length of two bytes
                (bytes[at], bytes[at + 1]) = random.Next(3) switch
                {
                    0 => ((byte)0xff, (byte)0xff),
                    1 => ((byte)0, (byte)0),
                    _ => (bytes[at], (byte)(bytes[at + 1] + random.Next(-2, 3))),
                };
                break;
        }
    }

    private static void ReplaceNumber(List<byte> bytes, int at, Random random)
    {
        var start = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
        {
            return;
        }

        var end = bytes.FindIndex(start, b => b is < (byte)'0' or > (byte)'9');
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        var number = random.Next(3) == 0 ? random.NextInt64().ToString(CultureInfo.InvariantCulture) : OddNumbers[random.Next(OddNumbers.Length)];
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(number));
    }
}
