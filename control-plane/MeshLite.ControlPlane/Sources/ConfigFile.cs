using System.Collections.Immutable;
using System.Text;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// What one file holds: its documents, or why it is no file of documents. Immutable; <see cref="Parse"/> is pure.
/// </summary>
/// <param name="Good">Valid documents, each name once.</param>
/// <param name="Refused">Documents refused, with all reasons.</param>
/// <param name="Problem">Set where the file as a whole could not be read; there are no documents then.</param>
internal sealed record ConfigFile(
    ImmutableDictionary<ResourceKey, Resource> Good, ImmutableArray<DocumentResult> Refused, ResourceError? Problem)
{
    /// <summary>Largest file. <value>1 MiB.</value></summary>
    public const int MaxBytes = 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Whether nothing was wrong with it.</summary>
    public bool IsGood => Problem is null && Refused.IsEmpty;

    /// <summary>Whether a MeshConfig is among what was refused.</summary>
    public bool HoldsRefusedMeshConfig { get; init; }

    /// <summary>
    /// Whether a resource that was here before, and is not among the good ones, may still be meant to be: it is refused, or
    /// something is refused that nobody can tell the name of.
    /// </summary>
    public bool MayStillHold(ResourceKey key) =>
        !Good.ContainsKey(key) && (Problem is not null || Refused.Any(r => r.Key is null || r.Key == key));

    /// <summary>All reasons.</summary>
    public IEnumerable<ResourceError> Errors => Problem is null ? Refused.SelectMany(r => r.Errors) : [Problem];

    /// <summary>Parses the content of the file called <paramref name="name"/>.</summary>
    public static ConfigFile Parse(string name, ReadOnlySpan<byte> content)
    {
        if (content.Length > MaxBytes)
        {
            return Failed(name, 1, $"is longer than {MaxBytes} bytes", content);
        }

        string text;
        try
        {
            text = StrictUtf8.GetString(content).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return Failed(name, 1, "is not UTF-8", content);
        }

        var yaml = YamlReader.Read(text);
        return yaml.Problem is { } problem ? Failed(name, problem.Line, problem.Message, content) : Sort(name, yaml.Documents);
    }

    private static ConfigFile Sort(string name, ImmutableArray<Node> documents)
    {
        var good = ImmutableDictionary.CreateBuilder<ResourceKey, Resource>();
        var refused = ImmutableArray.CreateBuilder<DocumentResult>();
        for (var i = 0; i < documents.Length; i++)
        {
            var result = DocumentReader.Read(documents[i], name, i);
            if (result.Resource is { } resource && !good.TryAdd(resource.Key, resource))
            {
                result = result with { Resource = null, Errors = [DefinedTwice(resource, good[resource.Key])] };
            }

            if (result.Resource is null)
            {
                refused.Add(result);
            }
        }

        return new ConfigFile(good.ToImmutable(), refused.ToImmutable(), null)
        {
            HoldsRefusedMeshConfig = refused.Any(r => r.Errors.Any(e => e.Document.StartsWith(nameof(ResourceKind.MeshConfig), StringComparison.Ordinal))),
        };
    }

    /// <summary>Why <paramref name="second"/> is refused.</summary>
    public static ResourceError DefinedTwice(Resource second, Resource first) => new(
        second.Origin.File, second.Origin.Line, second.Key.ToString(), "", $"stands in {first.Origin} already; that one stays in force");

    private static ConfigFile Failed(string name, int line, string message, ReadOnlySpan<byte> content) =>
        new(ImmutableDictionary<ResourceKey, Resource>.Empty, [], new ResourceError(name, line, "", "", message))
        {
            HoldsRefusedMeshConfig = content.IndexOf("MeshConfig"u8) >= 0,
        };
}
