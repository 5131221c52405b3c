using MeshLite.Processes.Mesh;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E.Kit;

/// <summary>An application and the sidecar beside it.</summary>
public sealed record MeshApp(HttpApp App, SidecarProcess Sidecar);
