using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.Injection;

namespace MeshLite.ControlPlane.Injection;

/// <summary>
/// The mutating webhook: a pod that is created gets its sidecar. Changes nothing outside its answer, so a dry run needs no care. Thread-safe.
/// </summary>
/// <param name="options">As of now: the trust bundle may have a new root.</param>
/// <param name="labels">Labels of a namespace; null: nobody knows it.</param>
internal sealed class PodAdmission(Func<InjectionOptions> options, Func<string, CancellationToken, ValueTask<IReadOnlyDictionary<string, string>?>> labels)
{
    /// <summary>An <see cref="AdmissionHandler"/>.</summary>
    public async ValueTask<AdmissionAnswer> ReviewAsync(AdmissionRequest request, CancellationToken cancellationToken)
    {
        if (request is not { Group: "", Kind: "Pod", Operation: "CREATE", SubResource: null } || request.Object.ValueKind != JsonValueKind.Object)
        {
            return AdmissionAnswer.Allowed("left_alone");
        }

        if (await labels(request.Namespace, cancellationToken) is not { } known)
        {
            return AdmissionAnswer.Failed($"MeshLite does not know namespace {request.Namespace} yet, nor whether its pods are to be injected: try again");
        }

        var pod = JsonObject.Create(request.Object)!;
        var result = PodInjector.Inject(pod, new PodNamespace(request.Namespace, known), options());
        return result switch
        {
            { Refusal: { } why } => new AdmissionAnswer("refused", why),
            { Pod: { } injected } => new AdmissionAnswer("injected", null) { Patch = JsonPatch.Between(pod, injected), Warnings = result.Warnings },
            _ => AdmissionAnswer.Allowed("left_alone"),
        };
    }
}
