using System.Buffers;
using System.Globalization;
using System.Text;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Tests.Metrics;

/// <summary>Writes a registry and reads the text back, with a reader of its own written after the format's specification.</summary>
internal static class Exposition
{
    public static string Write(MetricRegistry registry, ExpositionFormat format = ExpositionFormat.Text)
    {
        var buffer = new ArrayBufferWriter<byte>();
        registry.Write(buffer, format);
        // Throws where the bytes are not UTF-8.
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(buffer.WrittenSpan);
    }

    /// <summary>Samples by name and labels (<c>name{a=x,b=y}</c>, unescaped).</summary>
    public static Dictionary<string, double> Samples(MetricRegistry registry)
    {
        var samples = new Dictionary<string, double>();
        foreach (var line in Write(registry).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith('#'))
            {
                var (key, value) = Parse(line);
                samples.Add(key, value);
            }
        }

        return samples;
    }

    private static (string Key, double Value) Parse(string line)
    {
        var i = line.AsSpan().IndexOfAny('{', ' ');
        var key = new StringBuilder(line[..i]);
        if (line[i] == '{')
        {
            i++;
            key.Append('{');
            while (line[i] != '}')
            {
                var equals = line.IndexOf('=', i);
                key.Append(line, i, equals - i + 1);
                line[equals + 1].ShouldBe('"');
                for (i = equals + 2; line[i] != '"'; i++)
                {
                    if (line[i] == '\\')
                    {
                        i++;
                        key.Append(line[i] switch { 'n' => '\n', '\\' => '\\', '"' => '"', var other => throw new FormatException($"\\{other}") });
                    }
                    else
                    {
                        key.Append(line[i]);
                    }
                }

                i++;
                if (line[i] == ',')
                {
                    key.Append(',');
                    i++;
                }
            }

            key.Append('}');
            i++;
        }

        line[i].ShouldBe(' ');
        var text = line[(i + 1)..];
        return (key.ToString(), text switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(text, CultureInfo.InvariantCulture),
        });
    }
}
