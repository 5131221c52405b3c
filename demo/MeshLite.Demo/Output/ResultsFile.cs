using System.Text.Encodings.Web;
using System.Text.Json;
using MeshLite.Demo.Claims;

namespace MeshLite.Demo.Output;

/// <summary>out/demo/results.json: a list of <c>{claim, holds, measured}</c>.</summary>
internal static class ResultsFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(string file, IEnumerable<ClaimResult> results)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, JsonSerializer.Serialize(results, Json) + "\n");
    }
}
