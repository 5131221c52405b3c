using System.Text.Json;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Injection;

/// <summary>
/// The validating webhook: an object of our own kinds passes the same strict readers as everywhere, before it is stored. What is stored
/// already may still be labelled and deleted, however wrong its spec is. Pure; thread-safe.
/// </summary>
internal static class ResourceAdmission
{
    private const string OurGroup = "meshlite.dev";

    /// <summary>An <see cref="AdmissionHandler"/>.</summary>
    public static ValueTask<AdmissionAnswer> ReviewAsync(AdmissionRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(Review(request));

    /// <summary>Judges one.</summary>
    public static AdmissionAnswer Review(AdmissionRequest request)
    {
        if (request is not { Group: OurGroup, Operation: "CREATE" or "UPDATE", SubResource: null } || request.Object.ValueKind != JsonValueKind.Object || IsUnchanged(request))
        {
            return AdmissionAnswer.Allowed("accepted");
        }

        if (JsonNodes.ReadObject(request.Object, out var problem) is not { } node)
        {
            return Refused($"{request.Kind}: {problem}");
        }

        var errors = DocumentReader.Read(node, "", 0).Errors;
        return errors.Count == 0 ? AdmissionAnswer.Allowed("accepted") : Refused(string.Join("; ", errors));
    }

    private static bool IsUnchanged(AdmissionRequest request)
    {
        try
        {
            return request.OldObject.ValueKind == JsonValueKind.Object
                && JsonElement.DeepEquals(AdmissionRequest.Field(request.Object, "spec"), AdmissionRequest.Field(request.OldObject, "spec"));
        }
        catch (InvalidOperationException)
        {
            // Text that is no Unicode can't be compared, nor is it stored.
            return false;
        }
    }

    private static AdmissionAnswer Refused(string why) => new("refused", why) { Code = 422 };
}
