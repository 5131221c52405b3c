using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MeshLite.Cli.Operator;

/// <summary><c>-o json</c>: one document with the same content as the text, for programs.</summary>
internal static class OutputFormat
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The option.</summary>
    public static Option<string> Option()
    {
        var option = new Option<string>("--output", "-o") { Description = "text or json", HelpName = "FORMAT", DefaultValueFactory = _ => "text" };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    /// <summary>Writes it.</summary>
    public static void WriteJson(TextWriter output, object value) => output.WriteLine(JsonSerializer.Serialize(value, Json));
}
