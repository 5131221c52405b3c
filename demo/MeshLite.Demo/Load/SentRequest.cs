namespace MeshLite.Demo.Load;

/// <summary>One request and its end, as its sender saw it. Times are timestamps of the demo's clock.</summary>
/// <param name="Id">Its <c>x-request-id</c>.</param>
/// <param name="Method">GET or POST.</param>
/// <param name="ViaFrontend">Whether it entered at frontend, else at orders.</param>
/// <param name="Started">When it was sent.</param>
/// <param name="Ended">When its answer was complete.</param>
/// <param name="Status">0: none came.</param>
/// <param name="Version">Which version of orders answered; null: none said.</param>
/// <param name="Failure">What went wrong, if something did.</param>
internal sealed record SentRequest(string Id, string Method, bool ViaFrontend, long Started, long Ended, int Status, string? Version, string? Failure)
{
    public bool Succeeded => Status is >= 200 and < 300;

    /// <summary>The mesh's word for what went wrong (<c>meshlite-error</c>).</summary>
    public string? Reason => Failure?.Split(':')[0];

    public string Describe() => $"{Method} {Id}: {Status} {Failure}";
}
